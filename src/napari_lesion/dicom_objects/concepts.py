"""Codes of what is written into DICOM objects: SNOMED CT, DICOM and UCUM; own ones where no standard code says it.

Own codes have the scheme designator ``99NLESION`` (a local one must begin with 99, PS3.16 section 8.2), and every
object that uses them names that scheme. Their meanings are written out, so that any viewer can show them.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from napari_lesion.model.drawn import Tool

SCHEME = "99NLESION"


def own(value: str, meaning: str) -> Code:
    """Make a code of our own scheme (value of at most 16 characters, meaning of at most 64)."""
    return Code(value, SCHEME, meaning)


NO_CODE = Code("", "", "")
MM = Code("mm", "UCUM", "mm")
MM2 = Code("mm2", "UCUM", "square millimeter")
MM3 = Code("mm3", "UCUM", "cubic millimeter")
MG = Code("mg", "UCUM", "milligram")
HU = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
DAYS = Code("d", "UCUM", "day")
PERCENT = Code("%", "UCUM", "Percent")
DEGREES = Code("deg", "UCUM", "degree")
PIXELS = Code("{pixels}", "UCUM", "pixels")
NO_UNIT = Code("1", "UCUM", "no units")

MEAN = Code("373098007", "SCT", "Mean")
SD = Code("386136009", "SCT", "Standard Deviation")
MEDIAN = Code("373099004", "SCT", "Median")
P05 = Code("371888009", "SCT", "Fifth percentile")
P95 = Code("371889001", "SCT", "Ninety-fifth percentile")
LOWEST = Code("255605001", "SCT", "Minimum")
HIGHEST = Code("56851009", "SCT", "Maximum")
ESTIMATED = Code("414135002", "SCT", "Estimated")

DIAMETER = Code("81827009", "SCT", "Diameter")
LONG_AXIS = Code("103339001", "SCT", "Long axis")
SHORT_AXIS = Code("103340004", "SCT", "Short axis")
LENGTH = Code("410668003", "SCT", "Length")
ANGLE = Code("1483009", "SCT", "Angle")
AREA = Code("42798000", "SCT", "Area")
VOLUME = Code("118565006", "SCT", "Volume")
MASS = Code("118538004", "SCT", "Mass")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
CALCIFIED_PERCENT = Code("112019", "DCM", "Calcification extent as percent of volume")
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
MARKED_DIAMETER = own("marked-diameter", "Diameter of the mark")
DOUBLING_TIME = own("doubling-time", "Volume doubling time")
VALUE = own("voxel-value", "Value of the voxels")
VOXELS = own("voxels", "Number of voxels")
BROCK = own("brock", "Probability by the Brock (PanCan) model")


@dataclass(frozen=True)
class Quantity:
    """How one number is coded."""

    name: Code
    unit: Code
    derivation: Code | None = None


#: The numbers of a `Measurement`, by the name of their field. The axes come on top, with their end points.
QUANTITIES = {
    "mean_diameter_mm": Quantity(DIAMETER, MM, MEAN),
    "diameter_3d_mm": Quantity(Code("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"), MM),
    "volume_mm3": Quantity(VOLUME, MM3),
    "volume_sd_mm3": Quantity(VOLUME, MM3, SD),
    "mass_mg": Quantity(MASS, MG),
    "solid_mean_diameter_mm": Quantity(own("solid-diameter", "Diameter of the solid part"), MM, MEAN),
    "solid_volume_mm3": Quantity(own("solid-volume", "Volume of the solid part"), MM3),
    "pleura_distance_mm": Quantity(own("pleura-distance", "Distance to the pleura"), MM),
}
#: Those of its `HounsfieldUnits`.
ATTENUATIONS = {
    "mean": Quantity(ATTENUATION, HU, MEAN),
    "sd": Quantity(ATTENUATION, HU, SD),
    "p05": Quantity(ATTENUATION, HU, P05),
    "median": Quantity(ATTENUATION, HU, MEDIAN),
    "p95": Quantity(ATTENUATION, HU, P95),
}

NODULE = Code("27925004", "SCT", "Nodule")
NOT_A_LESION = Code("111102", "DCM", "Non-lesion")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LUNG = Code("39607008", "SCT", "Lung")
SIDES = {"left": Code("7771000", "SCT", "Left"), "right": Code("24028007", "SCT", "Right")}
ZONES = {
    "upper": Code("281392002", "SCT", "Upper zone of lung"),
    "middle": Code("281393007", "SCT", "Middle zone of lung"),
    "lower": Code("281394001", "SCT", "Lower zone of lung"),
}
NODULE_TYPE = own("nodule-type", "Type of nodule")
NODULE_TYPES = {
    "solid": Code("35702001", "SCT", "Solid"),
    "part-solid": own("part-solid", "Part-solid"),
    "non-solid": Code("112120", "DCM", "Ground glass opacity"),
}
CALCIFICATION = own("calcification", "Calcification")
CALCIFICATIONS = {
    "none": Code("17589002", "SCT", "non-calcified"),
    "partial": own("partly-calcified", "Partly calcified"),
    "complete": Code("237897009", "SCT", "Calcified"),
}
#: How a finding looks to a network. No standard code says how probable a look is, so the names are ours, and the
#: standard derivation marks each number as an estimate. Fields of `Looks` that are probabilities, then its signs.
LOOKS_METHOD = own("looks-method", "What estimated how it looks; nothing of it is measured")
ESTIMATED_TYPE = own("estimated-type", "Type of nodule, estimated")
LOOKS_PROBABILITIES = {
    "solid": Quantity(own("p-solid", "Solid: probability, estimated"), PERCENT, ESTIMATED),
    "part_solid": Quantity(own("p-part-solid", "Part-solid: probability, estimated"), PERCENT, ESTIMATED),
    "non_solid": Quantity(own("p-non-solid", "Non-solid: probability, estimated"), PERCENT, ESTIMATED),
}
LOOKS_SIGNS = {
    "spiculated": Quantity(own("p-spiculated", "Spiculated: probability, estimated"), PERCENT, ESTIMATED),
    "lobulated": Quantity(own("p-lobulated", "Lobulated: probability, estimated"), PERCENT, ESTIMATED),
    "ill_defined": Quantity(own("p-ill-defined", "Ill-defined margin: probability, estimated"), PERCENT, ESTIMATED),
    "calcified": Quantity(own("p-calcified", "Any calcification: probability, estimated"), PERCENT, ESTIMATED),
    "suspicious": Quantity(own("p-suspicious", "Malignancy rated 4 or 5: probability, estimated"), PERCENT, ESTIMATED),
}
SUSPICION = Quantity(own("suspicion", "Malignancy as readers rate it, 1 to 5, estimated"), NO_UNIT, ESTIMATED)
VERDICT = own("verdict", "Verdict of the reader")
VERDICTS = {
    "candidate": own("candidate", "Not judged"),
    "accepted": own("accepted", "Accepted"),
    "rejected": own("rejected", "Rejected"),
    "edited": own("edited", "Accepted with changes"),
    "added": own("added", "Added by the reader"),
}

#: What a reader drew with a measuring tool.
DRAWN = own("drawn", "Measured by the reader")
DRAWN_WITH = own("drawn-with", "Measuring tool")
TOOLS: dict[Tool, Code] = {
    "ruler": own("ruler", "Ruler"),
    "angle": own("angle", "Angle"),
    "ellipse": own("ellipse", "Ellipse"),
    "rectangle": own("rectangle", "Rectangle"),
    "arrow": own("arrow", "Arrow"),
    "pin": own("pin", "Pin"),
}
DRAWN_POINTS = own("drawn-points", "Points as drawn")
DRAWN_NORMAL = own("drawn-normal", "Normal of the plane, from the first point")
DRAWN_BY = own("drawn-by", "Drawn or changed last")
SLAB = own("slab", "Slices shown as one")
LENGTH_UNIT = own("length-unit", "What lengths are")
VALUE_UNIT = own("value-unit", "Unit of the values")

CENTER = Code("111010", "DCM", "Center")
BOX = own("bounding-box", "Corners of the bounding box")
IMAGE_REGION = Code("111030", "DCM", "Image Region")
PATH = Code("121055", "DCM", "Path")
COMMENT = Code("121106", "DCM", "Comment")
FINDING = Code("121071", "DCM", "Finding")
FINDING_SITE = Code("363698007", "SCT", "Finding Site")
LATERALITY = Code("272741003", "SCT", "Laterality")
TOPOGRAPHICAL_MODIFIER = Code("106233006", "SCT", "Topographical modifier")
DERIVATION = Code("121401", "DCM", "Derivation")
MEASUREMENT_GROUP = Code("125007", "DCM", "Measurement Group")
REFERENCED_SEGMENT = Code("121191", "DCM", "Referenced Segment")
REFERENCED_SEGMENT_FRAME = Code("121214", "DCM", "Referenced Segmentation Frame")
TRACKING_ID = Code("112039", "DCM", "Tracking Identifier")
TRACKING_UID = Code("112040", "DCM", "Tracking Unique Identifier")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")
ALGORITHM_NAME = Code("111001", "DCM", "Algorithm Name")
ALGORITHM_VERSION = Code("111003", "DCM", "Algorithm Version")
ALGORITHM_PARAMETERS = Code("111002", "DCM", "Algorithm Parameters")
SOURCE_SERIES = Code("121232", "DCM", "Source Series for Segmentation")
FRAME_OF_REFERENCE = Code("112227", "DCM", "Frame of Reference UID")
PERSON_NAME = Code("121008", "DCM", "Person Observer Name")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")

#: Texts of a finding, by the field that they hold.
MASK_METHOD = own("mask-method", "What made the outline")
TYPE_RULE = own("type-rule", "Rule by which the type was told")
LOBE = own("lobe", "Lobe of the lung")
MEASUREMENT_NOTE = own("note", "Note on the measurement")
UNMEASURED = own("unmeasured", "Why it was not measured")
LUNG_RADS = own("lung-rads", "Lung-RADS")
FLEISCHNER = own("fleischner", "Fleischner Society guideline")
GROWTH = own("growth", "Growth")
COMPARED = own("compared", "Compared with the prior")
#: What a reader says of a finding's looks, by the field of `Appearance`.
LOOKS = {
    "type": own("looks-type", "Type of nodule, by the reader"),
    "spiculated": own("looks-spiculated", "Spiculated, by the reader"),
    "lobe": own("looks-lobe", "Lobe of the lung, by the reader"),
    "airway": own("looks-airway", "Place in an airway, by the reader"),
    "juxtapleural": own("looks-pleural", "Smooth at pleura or fissure, by the reader"),
    "category_1_pattern": own("looks-benign", "Pattern of Lung-RADS category 1, by the reader"),
    "suspicious": own("looks-suspicious", "Suspicious features, by the reader"),
    "earlier_category": own("earlier-category", "Lung-RADS category at the earlier scan, by the reader"),
}
SOURCE = own("source", "Where the value comes from")
SOURCE_DETAIL = own("source-detail", "Where exactly the value comes from")
#: Texts of the whole examination.
INTENDED_USE = own("intended-use", "Intended use")
CREATED = own("created", "When the report was made")
CERTIFICATE = own("certificate", "Geometry of the scan as checked")
PATIENT = own("patient", "What is known of the patient")
WARNING = own("warning", "Warning")
ACTION_PREFIX = "did-"
"""Codes of what a reader did to a finding begin so; the rest is the action."""


def in_words(value: object) -> str:
    """Write a value as a word: yes and no for a truth value."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def action(what: str) -> Code:
    """Code for what a reader did to a finding."""
    return own(f"{ACTION_PREFIX}{what}", f"{what.capitalize()} by the reader")


def code_of(item: Dataset, keyword: str = "ConceptNameCodeSequence") -> Code:
    """Read a code of a content item or segment; an empty one where it has none."""
    sequence = item.get(keyword)
    if not sequence:
        return NO_CODE
    entry = sequence[0]
    value = entry.get("CodeValue") or entry.get("LongCodeValue") or entry.get("URNCodeValue") or ""
    return Code(str(value), str(entry.get("CodingSchemeDesignator", "")), str(entry.get("CodeMeaning", "")))


def name_own_scheme(dataset: Dataset) -> None:
    """Write into an object what the scheme of our own codes is (PS3.3 C.12.1.1.1, Coding Scheme Identification)."""
    scheme = Dataset()
    scheme.CodingSchemeDesignator = SCHEME
    scheme.CodingSchemeName = "napari-lesion"
    scheme.CodingSchemeResponsibleOrganization = "napari-lesion"
    dataset.CodingSchemeIdentificationSequence = [scheme]

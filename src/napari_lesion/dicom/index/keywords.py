"""Which attributes of a header are read: of a slice, of differences within a series, of identity."""

from __future__ import annotations

from typing import Any

from pydicom.datadict import dictionary_VR

from napari_lesion.dicom.elements import binary_vr, tag_of

#: Tags that have one value in one volume: what was scanned, how it was reconstructed, which phase it is.
RECIPE_KEYWORDS = (
    "StackID",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "InversionTime",
    "DiffusionBValue",
    "KVP",
    "MultienergyCTAcquisitionSequence",
    "MultienergyCTProcessingSequence",
    "MultienergyCTCharacteristicsSequence",
    "MultienergyCTPathIndex",
    "MonoenergeticEnergyEquivalent",
    "EnergyWindowName",
    "EnergyWindowNumber",
    "FilterType",
    "ConvolutionKernel",
    "ReconstructionAlgorithm",
    "ContrastBolusAgent",
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "ProtocolName",
    "SeriesNumber",
    "SeriesDescription",
)


#: Tags that may change from slice to slice of one volume, but tell volumes apart where their groups are whole ones.
COUNTING_KEYWORDS = (
    "AcquisitionNumber",
    "FrameAcquisitionNumber",
    "IrradiationEventUID",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "TemporalPositionTimeOffset",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "AcquisitionTime",
    "SeriesTime",
    "ContentTime",
    "ImageComments",
    "FrameComments",
    "FrameLabel",
)


#: What `Frame.phase` has the values of.
PHASE_KEYWORDS = (*RECIPE_KEYWORDS, *COUNTING_KEYWORDS, "SliceLocation")


IDENTITY = {
    "series_uid": "SeriesInstanceUID",
    "study_uid": "StudyInstanceUID",
    "frame_of_reference_uid": "FrameOfReferenceUID",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "patient_age": "PatientAge",
    "smoking_status": "SmokingStatus",
    "study_date": "StudyDate",
    "accession_number": "AccessionNumber",
    "modality": "Modality",
    "study_description": "StudyDescription",
    "series_description": "SeriesDescription",
    "series_number": "SeriesNumber",
    "manufacturer": "Manufacturer",
    "manufacturer_model": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
    "contrast": "ContrastBolusAgent",
    "body_part": "BodyPartExamined",
}


_OTHER = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceNumber",
    "PatientPosition",
    "PatientOrientation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "SliceThickness",
    "GantryDetectorTilt",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "WindowCenter",
    "WindowWidth",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)


_META = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")


TAGS = {
    keyword: (tag_of(keyword), binary_vr(keyword)) for keyword in (*IDENTITY.values(), *_OTHER, *_META, *PHASE_KEYWORDS)
}


#: Texts in the file's own character set.
TEXTS = [
    keyword
    for keyword in IDENTITY.values()
    if dictionary_VR(TAGS[keyword][0]) in ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
]


READ = frozenset(tag for tag, _ in TAGS.values())


SORTED: list[Any] = sorted(READ)

"""A scan of the asymmetric phantom and a report on it: one finding a mark, each judged in another way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import dicom_factory as factory
import numpy as np
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.assessed import Airway, Appearance, Category, Lobe, NoduleType, Patient, SourcedValue
from napari_lesion.model.findings import Finding, HistoryEntry, ModelReference, Report, box_around, numbered
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Axis, HounsfieldUnits, Likely, Looks, Measurement
from napari_lesion.model.volume import Volume

_OTHER = factory.uid("findings", "lesion seen before")
_SHEARED = factory.asymmetric_phantom(tilt_deg=-14.0)
#: Ways in which the phantom is scanned: by name, how its files come to be.
SCANS: dict[str, Callable[[], Sequence]] = {
    "axial": lambda: factory.ct_slices(factory.asymmetric_phantom(), "axial"),
    "feet first, JPEG-LS": lambda: [
        factory.encode(ds, JPEGLSLossless) for ds in factory.ct_slices(factory.asymmetric_phantom("feet-first"), "feet")
    ],
    "oblique": lambda: factory.ct_slices(factory.asymmetric_phantom(turn=factory.rotation(20, -14, 9)), "oblique"),
    "tilted gantry": lambda: factory.ct_slices(_SHEARED, "tilted"),
    "a slice is missing": lambda: [
        ds for k, ds in enumerate(factory.ct_slices(factory.asymmetric_phantom(), "gap")) if k != 8
    ],
    "multiframe, shuffled": lambda: [
        factory.encode(
            factory.enhanced(
                factory.asymmetric_phantom(),
                "enhanced",
                order=np.random.default_rng(5).permutation(factory.SHAPE[0]).tolist(),
            ),
            ExplicitVRLittleEndian,
        )
    ],
}


@dataclass(frozen=True)
class Case:
    """A scan, where it came from, and a report on it."""

    volume: Volume
    source: Series
    report: Report


def case_of(name: str, folder: Path) -> Case:
    """Scan the phantom in one of the `SCANS` ways and report on it."""
    factory.write(SCANS[name](), folder)
    [source] = [series for series in find_series(folder) if series.kind == "volume"]
    volume = read_series(source, allow_gaps=name == "a slice is missing")
    return Case(volume, source, report_on(volume))


def ball(volume: Volume, center_mm: Sequence[float], radius_mm: float) -> Mask:
    """The voxels whose centres lie in a ball (LPS mm)."""
    places = volume.to_patient(np.stack(np.indices(volume.shape), axis=-1))
    return Mask.of(((places - np.asarray(center_mm)) ** 2).sum(-1) <= radius_mm**2)


def report_on(volume: Volume) -> Report:
    """Report the marks: measured and accepted, outlined, added by a reader, rejected."""
    left, front, head, right = (
        _finding(volume, mark, score) for mark, score in zip(factory.MARKS, (0.9, 0.7, 1.0, 0.37), strict=True)
    )
    history = (
        HistoryEntry(time="2026-02-03T09:15:00+00:00", reader="Grün, Åsa", what="moved", detail="by 2.0 mm"),
        HistoryEntry(time="2026-02-03T09:16:30+00:00", reader="Dr^Who", what="accepted"),
    )
    findings = (
        head.model_copy(
            update={"status": "added", "mask": None, "unmeasured": "It was too small; nothing was outlined."}
        ),
        left.model_copy(
            update={
                "status": "edited",
                "history": history,
                "comment": "Größer als früher?",
                "tracking_uid": _OTHER,
                "measurement": _measured(left, volume),
                "appearance": Appearance(
                    spiculated=SourcedValue[bool](value=True, source="entered", detail="Grün, Åsa"),
                    lobe=SourcedValue[Lobe](value="left upper", source="entered"),
                    type=SourcedValue[NoduleType](value="part-solid", source="entered"),
                    airway=SourcedValue[Airway](value="segmental or more proximal", source="entered"),
                    juxtapleural=SourcedValue[bool](value=False, source="entered"),
                    category_1_pattern=SourcedValue[bool](value=False, source="entered", detail="clinic.csv, row 7"),
                    suspicious=SourcedValue[bool](value=True, source="entered"),
                    earlier_category=SourcedValue[Category](value="4A", source="entered"),
                ),
            }
        ),
        front,
        right.model_copy(update={"status": "rejected", "mask": None, "history": history[1:]}),
    )
    report = Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=findings,
        certificate=volume.certificate,
        model=ModelReference(id="blobs", version="1.2", sha256="0f" * 32, threshold=0.35, false_positives_per_scan=1.5),
        device="cpu",
        versions={"numpy": "2"},
        timings_s={"total": 1.0},
        warnings=("Slices are thick.",),
        created="2026-02-03T09:00:00+00:00",
        patient=Patient(age_years=SourcedValue[float](value=61.5, source="DICOM", detail="PatientAge")),
    )
    return numbered(report)


def _finding(volume: Volume, mark: factory.Mark, score: float) -> Finding:
    nearest = volume.nearest_instance(mark.center_mm)
    assert nearest is not None
    diameter = 2 * factory.MARK_RADIUS_MM
    return Finding(
        id=str(uuid.uuid5(uuid.NAMESPACE_DNS, mark.name)),
        center_mm=mark.center_mm,
        diameter_mm=diameter,
        box_mm=box_around(mark.center_mm, diameter),
        score=score,
        sop_instance_uid=nearest.sop_instance_uid,
        frame=nearest.frame,
        instance_number=nearest.number,
        mask=ball(volume, mark.center_mm, factory.MARK_RADIUS_MM),
    )


def _measured(finding: Finding, volume: Volume) -> Measurement:
    """Numbers that are all different; the axes lie on the nearest image."""
    nearest = volume.nearest_instance(finding.center_mm)
    assert nearest is not None
    normal = np.array(nearest.normal)
    center = np.array(finding.center_mm)
    if volume.certificate.tilt_deg == 0:  # else the slice that was measured lies across the acquired images
        center -= ((center - np.array(nearest.origin_mm)) @ normal) * normal
    else:
        normal = np.array([0.0, 0.0, 1.0])
    across = np.cross(normal, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    ends = [tuple((center + share * across).tolist()) for share in (-5.0, 4.5)]
    other = [tuple((center + share * np.cross(normal, across)).tolist()) for share in (-3.0, 3.25)]
    return Measurement(
        method="grow 1.0",
        long_axis=Axis(length_mm=9.5, start_mm=ends[0], end_mm=ends[1]),
        short_axis=Axis(length_mm=6.2, start_mm=other[0], end_mm=other[1]),
        mean_diameter_mm=7.9,
        sop_instance_uid=nearest.sop_instance_uid,
        frame=nearest.frame,
        diameter_3d_mm=11.4,
        volume_mm3=512.25,
        volume_sd_mm3=1 / 3,
        hu=HounsfieldUnits(mean=-12.3, sd=45.6, p05=-101.0, median=-9.0, p95=77.0),
        mass_mg=505.9,
        type="part-solid",
        type_rule="12 % of it are ground glass.",
        solid_mean_diameter_mm=4.4,
        solid_volume_mm3=0.0,
        calcification="partial",
        calcified_fraction=0.054,
        pleura_distance_mm=0.0,
        side="left",
        zone="upper",
        lobe="left upper lobe",
        looks=Looks(
            method="nodule-looks 1.0.0",
            type="part-solid",
            type_certainty=0.512,
            solid=0.301,
            part_solid=0.512,
            non_solid=0.187,
            spiculated=Likely(value=False, certainty=0.933),
            lobulated=Likely(value=True, certainty=0.501),
            ill_defined=Likely(value=True, certainty=1.0),
            calcified=Likely(value=False, certainty=1.0),
            suspicion=3.47,
            suspicious=Likely(value=False, certainty=0.648),
        ),
        notes=("One note.", "Another one."),
    )


def same(a: Report, b: Report, tolerance_mm: float = 1e-4) -> None:
    """Assert that two reports have the same findings; places may differ by what single precision takes."""
    assert [one.id for one in a.findings] == [one.id for one in b.findings]
    for one, other in zip(a.findings, b.findings, strict=True):
        assert _without_places(one) == _without_places(other)
        np.testing.assert_allclose(_places(one), _places(other), atol=tolerance_mm)


def _places(finding: Finding) -> list[tuple[float, float, float]]:
    measured = finding.measurement
    axes = [] if measured is None else [measured.long_axis, measured.short_axis]
    return [finding.center_mm, *finding.box_mm, *(end for axis in axes for end in (axis.start_mm, axis.end_mm))]


def _without_places(finding: Finding) -> dict[str, object]:
    content = finding.model_dump()
    measured = content["measurement"]
    for part in (content, *((measured["long_axis"], measured["short_axis"]) if measured else ())):
        for name in ("center_mm", "box_mm", "start_mm", "end_mm"):
            part.pop(name, None)
    return content


def without_place(volume: Volume) -> Volume:
    """The scan as one of which nobody knows where its images lie."""
    return replace(volume, instances=())

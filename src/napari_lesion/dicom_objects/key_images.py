"""Save which images show the findings, as a DICOM Key Object Selection (KO)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.sr.coding import Code

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom_objects.references import equipment, short_names, source_images
from napari_lesion.dicom_objects.study import as_checked
from napari_lesion.model.findings import RESEARCH_USE, Finding, Report
from napari_lesion.model.volume import Volume
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import NothingToSaveError

_OF_INTEREST = Code("113000", "DCM", "Of Interest")


def save_key_images(report: Report, volume: Volume, path: Path | str, *, source: Series | None = None) -> None:
    """Save a list of the images that show active findings and drawings best: what archives mark as key images.

    Of a measured finding that is the image of its axes, of any other one the image nearest to its centre; of a drawing
    the image that it lies on, or the one nearest to its middle where it lies on none.

    Parameters
    ----------
    report : Report
    volume : Volume
        The scan of the report.
    path : path
        File to write, ``*.dcm``.
    source : Series, optional
        Where the volume was read from: for what only the files know of the study.

    Raises
    ------
    NothingToSaveError
        If there is neither an active finding nor a drawing.
    SeriesError
        If the scan's images have no place that an object could refer to.

    References
    ----------
    DICOM PS3.3 A.35.4 (Key Object Selection Document IOD); PS3.16 TID 2010.
    """
    import highdicom as hd

    images = {image.SOPInstanceUID: image for image in source_images(volume, source)}
    names = short_names(report.findings)
    shown: dict[tuple[str, int | None], list[str]] = {}
    for finding in report.active:
        place = image_of(finding, volume)
        if place[0] in images:
            shown.setdefault(place, []).append(names[finding.id])
    for drawing in report.drawings:
        place = drawing.sop_instance_uid, drawing.frame
        if place[0] in images:
            name = drawing.name if drawing.on_image else f"{drawing.name} (nearest image)"
            shown.setdefault(place, []).append(name)
    if not shown:
        raise NothingToSaveError(
            f"series {report.series_uid}: there is no active finding and nothing was measured by hand, so there are "
            "no key images to list."
        )
    said = "; ".join(f"{', '.join(named)}" for named in shown.values())
    with as_checked():
        content: Any = hd.ko.KeyObjectSelection(
            document_title=_OF_INTEREST,
            referenced_objects=[images[uid] for uid, _ in shown],
            description=f"Images with findings or measurements (M), in this order: {said}. {RESEARCH_USE}",
        )
        references = [item for item in content[0].ContentSequence if item.ValueType == "IMAGE"]
        for item, (_, frame) in zip(references, shown, strict=True):
            if frame is not None:
                item.ReferencedSOPSequence[0].ReferencedFrameNumber = frame
        document = hd.ko.KeyObjectSelectionDocument(
            evidence=[images[uid] for uid in dict.fromkeys(uid for uid, _ in shown)],
            content=content,
            **equipment("KO", "Findings: key images", report),
        )
        with whole_file(Path(path), private=True) as temporary:
            document.save_as(temporary)


def image_of(finding: Finding, volume: Volume) -> tuple[str, int | None]:
    """SOP instance UID and frame number of the image that shows a finding best; an empty UID where there is none."""
    measured = finding.measurement
    if measured is not None and measured.sop_instance_uid:
        return measured.sop_instance_uid, measured.frame
    nearest = volume.nearest_instance(finding.center_mm)
    return (nearest.sop_instance_uid, nearest.frame) if nearest is not None else ("", None)

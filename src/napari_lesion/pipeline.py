"""The one flow from a series to its findings: everything that analyses a scan calls ``analyse``."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from napari_lesion.detection import operating, suitability
from napari_lesion.errors import ConfigError, SeriesError
from napari_lesion.findings import Analysis, Candidate, Detection, Finding, ModelReference, Report, box_around
from napari_lesion.progress import Progress, part, silent
from napari_lesion.volume import Volume

if TYPE_CHECKING:
    from napari_lesion.detection.detector import Card, Detector
    from napari_lesion.dicom.series import Series

_SCALE = 1000
_READ = 300
"""Share of the progress scale that reading takes; detecting takes the rest."""
_SINGLE = "a single image, not a volume; this model searches volumes only (nodule-2d searches single CT images, too)."
_LIBRARIES = ("napari-lesion", "torch", "monai", "numpy", "scipy", "pydicom", "SimpleITK", "nibabel")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "napari-lesion")


def analyse(
    source: Series | Volume,
    *,
    detector: Detector | str = "nodule-3d",
    device: str = "auto",
    allow_gaps: bool = False,
    threshold: float | None = None,
    false_positives: float | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Read a series and find the lesions in it.

    Parameters
    ----------
    source : Series or Volume
        A series as ``find_series`` lists it, or a volume that was read already.
    detector : Detector or str
        A detector, or the id of one (see ``napari-lesion models list``).
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    allow_gaps : bool
        Interpolate missing slices instead of refusing the series; the certificate names them.
    threshold : float, optional
        Score in [0, 1] below which a candidate is not reported; by default the model's own.
    false_positives : float, optional
        The threshold in other words: false positives a scan to expect, as on the model's validation scans.
    progress : Progress
        One scale from the first file to the last finding.

    Returns
    -------
    Analysis
        The report, with the volume and the heatmap.

    Raises
    ------
    SeriesError
        If the series is not a volume of a modality that the model reads (CT, for those that come with napari-lesion).
    GeometryError, DecodeError
        If it cannot be read without guessing.
    LungsNotFoundError
        If no lung is in view.
    ModelError
        If there is no such model, or it is damaged.
    ConfigError
        If the threshold makes no sense, or the model does not know such a rate of false positives.
    Cancelled
        If ``progress`` raised it.
    """
    started = time.perf_counter()
    check_threshold(threshold, false_positives)
    progress(0, _SCALE, "starting")
    if isinstance(detector, str):
        from napari_lesion.detection.detector import load_detector

        progress(0, _SCALE, "loading the model")
        detector = load_detector(detector)
    limit = reporting_threshold(detector.card, threshold, false_positives)
    loaded = time.perf_counter()
    if isinstance(source, Volume):
        volume, reading = source, 0
    else:
        from napari_lesion.dicom.reader import read_series

        why = unsuitable(source, detector.card.modalities, single_images=detector.card.single_images)
        if why:
            raise SeriesError(f"series {source.key}: {why}")
        reading = _READ
        volume = read_series(source, allow_gaps=allow_gaps, progress=part(progress, 0, reading, _SCALE))
    read = time.perf_counter()
    _refuse_unsuitable_volume(volume, detector.card)
    volume.wait(part(progress, reading, reading, _SCALE))
    detection = detector.detect(volume, device=device, progress=part(progress, reading, _SCALE, _SCALE))
    finished = time.perf_counter()
    seconds = {
        "load_model": loaded - started,
        "read": read - loaded,
        **detection.timings_s,
        "detect": finished - read,
        "total": finished - started,
    }
    report = _report(volume, detection, detector.card, limit, seconds)
    progress(_SCALE, _SCALE, f"{len(report.findings)} findings")
    return Analysis(report=report, volume=volume, heatmap=detection.heatmap, candidates=detection.candidates)


def check_threshold(threshold: float | None, false_positives: float | None = None) -> None:
    """Refuse a reporting threshold that no model can have; None stands for the model's own.

    Raises
    ------
    ConfigError
        If the score is not in [0, 1], the rate is not positive, or both are given.
    """
    if threshold is not None and false_positives is not None:
        raise ConfigError("Give the threshold as a score or as false positives a scan, not both.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"A threshold of {threshold} makes no sense: scores lie between 0 and 1.")
    if false_positives is not None and not (0 < false_positives < float("inf")):
        raise ConfigError(f"{false_positives} false positives a scan make no sense: it must be more than 0.")


def reporting_threshold(card: Card, threshold: float | None = None, false_positives: float | None = None) -> float:
    """Score from which on a model's findings are reported: as asked for by score or by rate, else the model's own.

    Raises
    ------
    ConfigError
        If it makes no sense, or the model does not know such a rate of false positives.
    """
    check_threshold(threshold, false_positives)
    if threshold is not None:
        return threshold
    return card.threshold if false_positives is None else operating.score_at(card, false_positives)


def unsuitable(series: Series, modalities: Sequence[str] = ("CT",), *, single_images: bool = False) -> str:
    """Why a series is not searched for lesions, as a sentence; empty where it is.

    Decided by the headers alone: only volumes of a modality that the model reads are searched, and single images if it
    reads such.

    Parameters
    ----------
    series : Series
    modalities : sequence of str
        What the model reads (``Card.modalities``); those that come with napari-lesion read CT.
    single_images : bool
        Whether it reads them (``Card.single_images``).
    """
    if why := _other_modality(series.identity.modality, modalities):
        return f"{why}."
    if series.kind == "localizer":
        return "a localizer, not a scan."
    if series.kind == "image" and not single_images:
        return _SINGLE
    return ""


def findings_of(volume: Volume, candidates: Iterable[Candidate], model: str, threshold: float) -> tuple[Finding, ...]:
    """Turn the candidates at or over a threshold into findings, sorted by score, falling.

    A finding's id depends on the series, the model and the place only, so that the same finding keeps its id when
    the threshold changes or the series is analysed again.

    Parameters
    ----------
    volume : Volume
        The scan in which they were found.
    candidates : iterable of Candidate
    model : str
        What names the model, e.g. its sha256.
    threshold : float
        Score in [0, 1].
    """
    kept = sorted((c for c in candidates if c.score >= threshold), key=lambda c: (-c.score, c.center_mm))
    return tuple(_finding(volume, candidate, model) for candidate in kept)


def _finding(volume: Volume, candidate: Candidate, model: str) -> Finding:
    x, y, z = (float(value) for value in candidate.center_mm)
    diameter = float(candidate.diameter_mm)
    instance = volume.nearest_instance((x, y, z))
    name = f"{volume.series.series_uid}/{model}/{x:.2f}/{y:.2f}/{z:.2f}"
    return Finding(
        id=str(uuid.uuid5(_NAMESPACE, name)),
        center_mm=(x, y, z),
        diameter_mm=diameter,
        box_mm=box_around((x, y, z), diameter),
        score=float(candidate.score),
        sop_instance_uid=instance.sop_instance_uid if instance else "",
        frame=instance.frame if instance else None,
    )


def _other_modality(modality: str, modalities: Sequence[str]) -> str:
    if modality in modalities:
        return ""
    wanted = " and ".join(modalities)
    return f"not {wanted} but {modality or 'of unknown modality'}; this model searches in {wanted} only"


def _refuse_unsuitable_volume(volume: Volume, card: Card) -> None:
    where = f"series {volume.series.series_uid}"
    if why := _other_modality(volume.series.modality, card.modalities):
        raise SeriesError(f"{where}: {why}.")
    if volume.series.modality == "CT" and volume.certificate.unit != "HU":
        raise SeriesError(
            f"{where}: its values are in {volume.certificate.unit or 'an unknown unit'}, not in HU "
            f"({volume.certificate.rescale or 'no rescale is given'}). Export it with its rescale slope and intercept."
        )
    if min(volume.shape) < 2 and not card.single_images:
        raise SeriesError(f"{where}: {_SINGLE}")


def _report(volume: Volume, detection: Detection, card: Card, threshold: float, seconds: dict[str, float]) -> Report:
    return Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=findings_of(volume, detection.candidates, card.sha256, threshold),
        certificate=volume.certificate,
        model=ModelReference(
            id=card.id,
            version=card.version,
            sha256=card.sha256,
            threshold=threshold,
            false_positives_per_scan=operating.false_positives_at(card, threshold),
        ),
        device=detection.device,
        versions=library_versions(),
        timings_s={step: round(value, 3) for step, value in seconds.items()},
        warnings=(*_doubts(volume), *suitability.of_scan(volume), *detection.warnings),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _doubts(volume: Volume) -> tuple[str, ...]:
    """Name what the certificate says that a reader of the findings has to know."""
    certificate = volume.certificate
    notes = certificate.notes
    if certificate.interpolated_slices:
        count = len(certificate.interpolated_slices)
        notes = (*notes, f"{count} of {volume.shape[0]} slices were not acquired but interpolated.")
    return tuple(dict.fromkeys(notes))


def library_versions() -> dict[str, str]:
    """Versions of what made a result; a library that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions

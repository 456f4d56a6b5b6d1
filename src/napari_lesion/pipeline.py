"""The one flow from a series to its findings: `analyse`, and its steps for who takes them one at a time.

`search` finds, `measured` measures, `compared_with` compares with a prior, `assess` does all that is missing and
applies risk models and guidelines.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from napari_lesion.assessment.guidelines.apply import apply_guidelines
from napari_lesion.assessment.measure.measure import measure_findings
from napari_lesion.assessment.patient.clinical import merged_patient, patient_of
from napari_lesion.detection import operating_points, registry
from napari_lesion.detection.searchable import (
    check_threshold,
    is_about_lungs,
    refuse_unsuitable_volume,
    reporting_threshold,
    unsuitable,
)
from napari_lesion.imaging import suitability
from napari_lesion.model.assessed import Patient
from napari_lesion.model.findings import (
    Analysis,
    Candidate,
    Detection,
    Finding,
    ModelReference,
    Report,
    box_around,
    image_at,
    numbered,
)
from napari_lesion.model.volume import Volume
from napari_lesion.security.audit import Action, record
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress, part, silent
from napari_lesion.support.versions import library_versions

if TYPE_CHECKING:
    from napari_lesion.comparison.compare import Compared
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.models.card import Card, Detector

_SCALE = 1000
_FIND, _READ, _MEASURE = 20, 300, 900
"""Where on the progress scale finding the series and reading end, and where measuring begins."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "napari-lesion")


Source: TypeAlias = "Series | Volume | Sequence[Series] | str | os.PathLike[str]"
"""What is analysed: a scan, or where there is one."""


class Searched(Protocol):
    """A scan that was analysed before; an `Analysis` is one."""

    @property
    def report(self) -> Report:
        """Its findings, measured."""
        ...

    @property
    def volume(self) -> Volume:
        """The scan."""
        ...


def analyse(
    source: Source,
    *,
    detector: Detector | str = "nodule-3d",
    device: str = "auto",
    allow_gaps: bool = False,
    assume_hu: bool = False,
    threshold: float | None = None,
    false_positives: float | None = None,
    measure: bool = True,
    patient: Patient | None = None,
    priors: Iterable[Searched] = (),
    progress: Progress = silent,
) -> Analysis:
    """Read a series, find the lesions in it, and measure and judge them.

    Parameters
    ----------
    source : Series, Volume, SeriesIndex or path
        A series as ``find_series`` lists it, or a volume that was read already; or a folder, an archive, a file or a
        list of series in which there is one that the model reads.
    detector : Detector or str
        A detector, or the id of one (see ``napari-lesion models list``).
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    allow_gaps : bool
        Interpolate missing slices instead of refusing the series; the certificate names them.
    assume_hu : bool
        Take the values of a CT as HU where its headers do not say that they are; the certificate says so.
    threshold : float, optional
        Score in [0, 1] below which a candidate is not reported; by default the model's own.
    false_positives : float, optional
        The threshold in other words: false positives a scan to expect, as on the model's validation scans.
    measure : bool
        Outline and measure the findings, and ask models and guidelines about them. Nothing of these can fail the
        analysis: the report says what could not be measured, and why.
    patient : Patient, optional
        What is known of the patient besides the headers.
    priors : iterable of Searched
        Earlier scans of the patient to compare with, the latest first; each is asked for when it is needed.
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
    OptionError
        If the threshold makes no sense, or the model does not know such a rate of false positives.
    Cancelled
        If ``progress`` raised it.
    """
    started = time.perf_counter()
    check_threshold(threshold, false_positives)
    progress(0, _SCALE, "starting")
    if isinstance(detector, str):
        progress(0, _SCALE, "loading the model")
        detector = registry.load_detector(detector)
    limit = reporting_threshold(detector.card, threshold, false_positives)
    loaded = time.perf_counter()
    volume, reading = _read(source, detector.card, allow_gaps, assume_hu, progress)
    read = time.perf_counter()
    refuse_unsuitable_volume(volume, detector.card)
    volume.wait(part(progress, reading, reading, _SCALE))
    searching = _MEASURE if measure else _SCALE
    detection = detector.detect(volume, device=device, progress=part(progress, reading, searching, _SCALE))
    finished = time.perf_counter()
    who = volume.series
    record(
        Action.SEARCH,
        patient_id=who.patient_id,
        study_uid=who.study_uid,
        objects=(who.series_uid,),
        detail=detector.card.id,
    )
    seconds = {
        "load_model": loaded - started,
        "read": read - loaded,
        **detection.timings_s,
        "detect": finished - read,
        "total": finished - started,
    }
    report = _report(volume, detection, detector.card, limit, seconds)
    if measure:
        step = part(progress, searching, _SCALE, _SCALE)
        report = assess(
            report, volume, patient=patient, priors=priors, guidelines=is_about_lungs(detector.card), progress=step
        )
        report = report.model_copy(
            update={"timings_s": {**report.timings_s, "total": round(time.perf_counter() - started, 3)}}
        )
    progress(_SCALE, _SCALE, f"{len(report.findings)} findings")
    return Analysis(
        report=report,
        volume=volume,
        heatmap=detection.heatmap,
        candidates=detection.candidates,
        lowest_score=operating_points.lowest_score(detector.card),
    )


def _read(source: Source, card: Card, allow_gaps: bool, assume_hu: bool, progress: Progress) -> tuple[Volume, int]:
    """Read the scan, where it is none yet; with it, where on the scale of the progress that ends."""
    if isinstance(source, Volume):
        return source, 0
    from napari_lesion.dicom.index.choose import one_series
    from napari_lesion.dicom.read.reader import read_series

    def why_not(series: Series) -> str:
        return unsuitable(series, card.modalities, single_images=card.single_images)

    series = one_series(source, why_not, progress=part(progress, 0, _FIND, _SCALE))
    if why := why_not(series):
        raise SeriesError(f"series {series.key}: {why}")
    step = part(progress, _FIND, _READ, _SCALE)
    return read_series(series, allow_gaps=allow_gaps, assume_hu=assume_hu, progress=step), _READ


def search(
    source: Source,
    *,
    detector: Detector | str = "nodule-3d",
    device: str = "auto",
    threshold: float | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Search a scan for who filters by threshold afterwards; nothing is measured yet.

    Every candidate is a finding, down to the lowest score of which the model knows how many false positives it makes:
    a reader's own findings are numbered after these, and would have numbers like F198 otherwise.
    Parameters and errors are those of `analyse`.
    """
    analysis = analyse(source, detector=detector, device=device, threshold=threshold, measure=False, progress=progress)
    return replace(analysis, report=with_all_candidates(analysis))


def measured(report: Report, volume: Volume, *, progress: Progress = silent) -> tuple[Report, tuple[Finding, ...]]:
    """Outline and measure the findings that were not yet; those that a reader rejected stay as they are.

    Returns
    -------
    report : Report
        With mask and measurement of each, or why there is none.
    new : tuple of Finding
        Those that were measured now.
    """
    missing = [f for f in report.active if f.measurement is None and not f.unmeasured]
    if not missing:
        return report, ()
    new = tuple(measure_findings(volume, missing, progress=progress))
    made = {finding.id: finding for finding in new}
    return report.model_copy(update={"findings": tuple(made.get(f.id, f) for f in report.findings)}), new


def compared_with(
    report: Report,
    volume: Volume,
    prior_report: Report,
    prior_volume: Volume,
    *,
    track: bool = True,
    other_id: bool = False,
    progress: Progress = silent,
) -> tuple[Report, Compared]:
    """Compare a scan with a prior, and put the comparison into its report, the latest prior first.

    Parameters
    ----------
    report, prior_report : Report
        With measurements, where sizes are to be compared.
    volume, prior_volume : Volume
    track : bool
        Give findings that were recognised the UIDs that their lesions have in the prior.
    other_id : bool
        Compare although the headers name two patients: the reader knows better.
    progress : Progress
    """
    from napari_lesion.comparison.compare import compare, tracked

    compared = compare(report, volume, prior_report, prior_volume, other_id=other_id, progress=progress)
    comparison = compared.comparison
    report = tracked(report, comparison, prior_report) if track else report
    others = [one for one in report.comparisons if one.prior_series_uid != comparison.prior_series_uid]
    ordered = sorted([*others, comparison], key=lambda one: one.prior_study_date, reverse=True)
    return report.model_copy(update={"comparisons": tuple(ordered)}), compared


def assess(
    report: Report,
    volume: Volume | None,
    *,
    patient: Patient | None = None,
    priors: Iterable[Searched] = (),
    guidelines: bool = True,
    progress: Progress = silent,
) -> Report:
    """Measure what was not measured yet, compare with priors, and ask models and guidelines about all of it.

    What readers did stays as it is. `analyse` does this with what it found; so does whoever makes reports of results
    that are there already.

    Parameters
    ----------
    report : Report
    volume : Volume, optional
        Its scan; without it nothing is measured or compared.
    patient : Patient, optional
        What is known of the patient; it comes before what the report says, and that before the headers.
    priors : iterable of Searched
        To compare with, the latest first. Comparisons with others that the report has stay.
    guidelines : bool
        Whether models and guidelines for lung nodules have something to say of it.
    progress : Progress
    """
    started = time.perf_counter()
    seconds = dict(report.timings_s)
    warnings = list(report.warnings)
    if volume is not None:
        report, new = measured(report, volume, progress=part(progress, 0, 40, 100))
        if new:
            seconds["measure"] = round(time.perf_counter() - started, 3)
    named = tuple(f.model_copy(update={"tracking_uid": f.lesion_uid}) for f in report.findings)
    known = merged_patient(*((patient,) if patient else ()), report.patient, patient_of(report.series))
    report = report.model_copy(update={"findings": named, "patient": known})
    begun = time.perf_counter()
    for number, prior in enumerate(priors if volume is not None else ()):
        assert volume is not None
        steps = part(progress, 40 + 50 * min(number, 3) // 4, 40 + 50 * min(number + 1, 4) // 4, 100)
        report, compared = compared_with(report, volume, prior.report, prior.volume, track=number == 0, progress=steps)
        comparison = compared.comparison
        if not comparison.alignment.accepted:
            warnings.append(f"Prior of {comparison.prior_study_date}: {comparison.alignment.says}")
        seconds["compare"] = round(time.perf_counter() - begun, 3)
    progress(95, 100, "asking models and guidelines")
    judgement = (
        apply_guidelines(report.active, known, report.comparisons) if guidelines and report.is_searched else None
    )
    progress(100, 100, "assessed")
    return report.model_copy(
        update={"judgement": judgement, "timings_s": seconds, "warnings": tuple(dict.fromkeys(warnings))}
    )


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


def with_all_candidates(analysis: Analysis) -> Report:
    """Make the report in which candidates are findings, for who filters by threshold without searching again.

    Those with a score under ``analysis.lowest_score`` stay out, unless they are in the report already.
    """
    report = analysis.report
    lowest = min(analysis.lowest_score, report.model.threshold)
    findings = findings_of(analysis.volume, analysis.candidates, report.model.sha256, lowest)
    # The reported ones, which have the highest scores, come first and so get the numbers that they have.
    return numbered(report.model_copy(update={"findings": findings, "last_number": 0}))


def _finding(volume: Volume, candidate: Candidate, model: str) -> Finding:
    x, y, z = (float(value) for value in candidate.center_mm)
    diameter = float(candidate.diameter_mm)
    name = f"{volume.series.series_uid}/{model}/{x:.2f}/{y:.2f}/{z:.2f}"
    return Finding(
        id=str(uuid.uuid5(_NAMESPACE, name)),
        center_mm=(x, y, z),
        diameter_mm=diameter,
        box_mm=box_around((x, y, z), diameter),
        score=float(candidate.score),
        **image_at(volume, (x, y, z)),
    )


def _report(volume: Volume, detection: Detection, card: Card, threshold: float, seconds: dict[str, float]) -> Report:
    report = Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=findings_of(volume, detection.candidates, card.sha256, threshold),
        certificate=volume.certificate,
        model=ModelReference(
            id=card.id,
            version=card.version,
            sha256=card.sha256,
            threshold=threshold,
            false_positives_per_scan=operating_points.false_positives_at(card, threshold),
        ),
        device=detection.device,
        versions=library_versions(),
        timings_s={step: round(value, 3) for step, value in seconds.items()},
        warnings=(*_doubts(volume), *suitability.of_scan(volume), *detection.warnings),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return numbered(report)


def _doubts(volume: Volume) -> tuple[str, ...]:
    """Name what the certificate says that a reader of the findings has to know."""
    certificate = volume.certificate
    notes = certificate.notes
    if certificate.interpolated_slices:
        count = len(certificate.interpolated_slices)
        notes = (*notes, f"{count} of {volume.shape[0]} slices were not acquired but interpolated.")
    return tuple(dict.fromkeys(notes))

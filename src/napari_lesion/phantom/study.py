"""A synthetic patient's two visits as DICOM: the baseline, and the follow-up a year later."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from pydicom.dataset import Dataset

from napari_lesion.dicom.writer import named_uid, write_ct_series
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.phantom.nodules import PhantomNodule, PlacedNodule
from napari_lesion.phantom.patient import make_patient
from napari_lesion.phantom.scan import Scanner, make_scan
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress, silent

SimulatedChange = Literal["stable", "grown", "new", "gone"]


class _Trajectory(NamedTuple):
    """What becomes of one nodule from the baseline to the follow-up."""

    name: str
    nodule: PhantomNodule
    change: SimulatedChange
    later_mm: float = 0.0
    """Diameter at the follow-up, where it has grown."""


#: As wide as scanners go with 512 pixels of 0.9 mm; air around the patient compresses to nothing.
_FIELD_MM = 460.8

_TRAJECTORIES = (
    _Trajectory("N1", PhantomNodule(9.0, "solid", "spiculated", "parenchyma", seed=1), "grown", 14.0),
    _Trajectory("N2", PhantomNodule(12.0, "solid", "lobulated", "parenchyma", seed=2), "new"),
    _Trajectory("N3", PhantomNodule(10.0, "solid", "smooth", "vessel", seed=3), "gone"),
    _Trajectory("N4", PhantomNodule(8.0, "solid", "smooth", "parenchyma", seed=4), "stable"),
    _Trajectory("N5", PhantomNodule(11.0, "solid", "lobulated", "pleura", seed=5), "stable"),
    _Trajectory("N6", PhantomNodule(17.0, "part-solid", "lobulated", "parenchyma", seed=6), "stable"),
    _Trajectory("N7", PhantomNodule(6.0, "calcified", "smooth", "parenchyma", seed=7), "stable"),
)


class _Visit(NamedTuple):
    folder: str
    title: str
    date: str
    time: str


_VISITS = (
    _Visit("baseline", "Synthetic chest CT, baseline", "20240312", "101500"),
    _Visit("followup", "Synthetic chest CT, follow-up", "20250318", "143000"),
)


@dataclass(frozen=True)
class StudySeries:
    """One written series of the study."""

    folder: Path
    series_uid: str
    nodules: tuple[PlacedNodule, ...]


def make_study(
    folder: Path | str,
    *,
    seed: int = 0,
    spacing: tuple[float, float, float] = (2.5, 0.9, 0.9),
    noise_hu: float = 6.8,
    progress: Progress = silent,
) -> tuple[StudySeries, StudySeries]:
    """Write a synthetic patient's baseline and follow-up as two CT series, with the truth about their nodules.

    One nodule has grown, one is new, one is gone, the others are stable. The patient lies differently and the noise
    is another one each time; the studies and the frames of reference differ, as those of two real visits do.

    Parameters
    ----------
    folder : path
        Must not exist, or be empty. Gets ``baseline/`` and ``followup/`` (JPEG-LS lossless), ``truth.csv`` and
        ``README.md``, all or nothing.
    seed : int
        Of the patient. The same seed gives the same UIDs, positions and voxels.
    spacing : (z, y, x), mm
    noise_hu : float
        Standard deviation of the noise in the middle of the body.
    progress : callable
        ``progress(done, total, what)``.

    Returns
    -------
    tuple of StudySeries
        The baseline and the follow-up.

    Raises
    ------
    SeriesError
        If the folder holds something already.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SeriesError(f"{folder} exists already and is not empty. Name a new folder.")
    series = []
    rows: list[dict[str, str | float]] = []
    with whole_folder(folder) as partial:
        for number, visit in enumerate(_VISITS):
            trajectories = [c for c in located_trajectories(seed) if c.change != ("new", "gone")[number]]
            written = _write_visit(partial, trajectories, number, visit, seed, spacing, noise_hu, progress)
            rows += [_row(written.series_uid, c, n) for c, n in zip(trajectories, written.nodules, strict=True)]
            series.append(replace(written, folder=folder / visit.folder))
        with (partial / "truth.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        (partial / "README.md").write_text(_readme(seed, rows), encoding="utf-8")
    return series[0], series[1]


def located_trajectories(seed: int) -> list[_Trajectory]:
    """Give every nodule of the study its place in the patient, the same at both visits."""
    places = make_patient(seed).place([c.nodule for c in _TRAJECTORIES], seed)
    located = []
    for trajectory, place in zip(_TRAJECTORIES, places, strict=True):
        x, y, z = (float(v) for v in place)
        located.append(trajectory._replace(nodule=replace(trajectory.nodule, center_mm=(x, y, z))))
    return located


def _write_visit(
    parent: Path,
    trajectories: Sequence[_Trajectory],
    number: int,
    visit: _Visit,
    seed: int,
    spacing: tuple[float, float, float],
    noise_hu: float,
    progress: Progress,
) -> StudySeries:
    """Render and write one visit."""
    nodules = [
        replace(c.nodule, diameter_mm=c.later_mm) if number and c.change == "grown" else c.nodule for c in trajectories
    ]

    def report(offset: int) -> Progress:
        # Four equal parts: rendering and writing, twice.
        def call(done: int, total: int, what: str) -> None:
            progress((2 * number + offset) * 100 + round(100 * done / max(total, 1)), 400, f"{visit.folder}: {what}")

        return call

    volume, truth = make_scan(
        seed,
        nodules,
        spacing=spacing,
        field_mm=_FIELD_MM,
        scanner=Scanner("soft", noise_hu),
        scan_seed=2 * seed + number,
        progress=report(0),
    )
    name = ("phantom study", seed, visit.folder)
    identity = SeriesIdentity(
        series_uid=named_uid(*name, "series"),
        study_uid=named_uid(*name, "study"),
        frame_of_reference_uid=named_uid(*name, "frame of reference"),
        patient_id=f"PHANTOM-{seed:04d}",
        patient_name="Phantom^Lesion",
        patient_birth_date="19600229",
        patient_sex="O",
        study_date=visit.date,
        accession_number=f"SYN{seed:04d}{number + 1}",
        modality="CT",
        study_description=visit.title,
        series_description="Synthetic chest 2.5 mm" if spacing[0] == 2.5 else "Synthetic chest",
        series_number="2",
        manufacturer="napari-lesion",
        manufacturer_model="Synthetic phantom",
        kernel="SOFT",
        body_part="CHEST",
    )
    write_ct_series(
        replace(volume, series=identity),
        parent / visit.folder,
        transfer_syntax="jpeg-ls",
        series_uid=identity.series_uid,
        attributes=_attributes(visit, number, volume.shape[2] * spacing[2]),
        progress=report(1),
    )
    return StudySeries(parent / visit.folder, identity.series_uid, truth)


def _attributes(visit: _Visit, number: int, field_mm: float) -> Dataset:
    """List what a scanner writes besides, and the marks that nobody was scanned."""
    ds = Dataset()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = visit.time
    ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = visit.date
    ds.StudyID = str(number + 1)
    ds.AcquisitionNumber = 1
    ds.KVP = 120
    ds.ReconstructionDiameter = round(field_mm, 1)
    ds.ProtocolName = "Synthetic chest"
    ds.InstitutionName = "Synthetic data, no patient"
    ds.PatientComments = "Synthetic phantom made by napari-lesion. Not a person."
    ds.ImageComments = "Synthetic phantom"
    ds.QualityControlImage = "YES"  # "a quality control or phantom image", PS3.3 C.7.6.1
    return ds


def _row(series_uid: str, trajectory: _Trajectory, placed: PlacedNodule) -> dict[str, str | float]:
    """One line of truth: LUNA16's columns, then what else is known."""
    x, y, z = placed.center_mm
    return {
        "seriesuid": series_uid,
        "coordX": round(x, 3),
        "coordY": round(y, 3),
        "coordZ": round(z, 3),
        "diameter_mm": placed.diameter_mm,
        "nodule": trajectory.name,
        "texture": placed.nodule.texture,
        "margin": placed.nodule.margin,
        "site": placed.nodule.site,
        "change": trajectory.change,
    }


def _readme(seed: int, rows: Sequence[dict[str, str | float]]) -> str:
    """Describe the folder."""
    baseline, follow_up = ({r["nodule"]: r for r in rows if r["seriesuid"] == uid} for uid in _uids(rows))
    lines = []
    for trajectory in _TRAJECTORIES:
        before, after = baseline.get(trajectory.name), follow_up.get(trajectory.name)
        size = [f"{r['diameter_mm']:g} mm" if r else "–" for r in (before, after)]
        n = trajectory.nodule
        lines.append(
            f"| {trajectory.name} | {n.texture}, {n.margin} | {n.site} | {size[0]} | {size[1]} | {trajectory.change} |"
        )
    return f"""# Synthetic chest CT

Two CT series of one synthetic patient, `Phantom^Lesion`: `baseline/` and, a year later, `followup/`. Nobody was
scanned: every voxel was computed by `napari_lesion.phantom`, and the files say so (Patient Comments, Quality Control
Image, Manufacturer). They are free to use under the licence of the project (Apache-2.0).

To make the same files again, in a new folder: `napari-lesion phantom FOLDER --seed {seed}`.

The images are CT Image Storage, JPEG-LS lossless. The two visits are two studies with a frame of reference each; the
patient lies a little differently, and the noise is another one. Outside of the body there is no noise, which keeps the
files small.

| nodule | kind | lies at | baseline | follow-up | change |
|---|---|---|---|---|---|
{chr(10).join(lines)}

`truth.csv` has a row for every nodule in every series: LUNA16's columns `seriesuid,coordX,coordY,coordZ,diameter_mm`
(centre in LPS mm as in the files; diameter of the sphere of the same volume), then `nodule,texture,margin,site,change`.
"""


def _uids(rows: Sequence[dict[str, str | float]]) -> list[str]:
    """Series UIDs in their order."""
    return list(dict.fromkeys(str(r["seriesuid"]) for r in rows))

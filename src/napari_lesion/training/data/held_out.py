"""Held-out scans: other patients' CT with other patients' nodules inserted, as DICOM with its truth.

Nodules are inserted on the scanner's own grid, so that reading, resampling and slice thickness are part of the test.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from napari_lesion.dicom.writer import named_uid, write_ct_series
from napari_lesion.evaluation.froc import Mark
from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import BackgroundConfig, TrainingConfig
from napari_lesion.training.data.background import Background, ball, make_background
from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.crops import SIZE_BANDS_MM, draw_nodule, place
from napari_lesion.training.data.insertion import LEAST_RISE_HU, insert, random_rotation
from napari_lesion.training.data.lidc import read_store, split_store
from napari_lesion.training.data.nodules import Nodule, Split, cut_out
from napari_lesion.training.data.scans import read_background

Place = Literal["surface", "vessel", "lung"]

_SIZES = ((0, 0, 0, 1, 1, 1, 2, 2), (0, 0, 0, 1, 1, 1, 2, 3))
"""Bands of the nodules of every other scan: more than a third under 6 mm, as in LUNA16..."""
_SUBSOLID = (True, True, *[False] * 6)
"""...a quarter subsolid..."""
_FREE: tuple[Place, ...] = ("lung",) * 4
_PLACES: tuple[tuple[Place, ...], ...] = (
    ("surface", "surface", "vessel", "lung", *_FREE),
    ("surface", "surface", "vessel", "vessel", *_FREE),
)
"""...and 7 of 16 on the pleura, the mediastinum or a vessel, in any combination."""
_ONLY: dict[str, tuple[float, float]] = {"surface": (1.0, 0.0), "vessel": (0.0, 1.0), "lung": (0.0, 0.0)}
_TRIES = 120
COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "type", "place", "source")


@dataclass(frozen=True)
class Truth:
    """An inserted nodule."""

    series_uid: str
    center_mm: tuple[float, float, float]
    """LPS mm."""
    diameter_mm: float
    type: str
    place: str
    """On the ``surface`` of the lung (pleura, mediastinum), on a ``vessel``, free in the ``lung``; empty if real."""
    source: str
    stands_out: bool = True
    """False: it is buried in dense tissue, so finding it counts neither for nor against a detector."""

    def mark(self) -> Mark:
        """Give it as evaluation reads it."""
        return Mark(self.series_uid, self.center_mm, self.diameter_mm, self.type)

    def row(self) -> tuple[str | float, ...]:
        """Values of ``COLUMNS``."""
        x, y, z = (round(c, 3) for c in self.center_mm)
        return self.series_uid, x, y, z, round(self.diameter_mm, 2), self.type, self.place, self.source


def write_held_out(
    config: TrainingConfig, out: Path, scans: int, *, part: Split = "test", progress: Progress = silent
) -> Path:
    """Write held-out scans with ``annotations.csv`` and ``annotations_excluded.csv`` (LUNA16 form) beside them.

    ``part`` chooses whose nodules and whose lungs: those for testing (``data.held_out``), or those for choosing between
    models and for calibration (``data.validation``). The scans are shared evenly among the backgrounds.

    Excluded are the real lesions that the configuration names: whether a detector finds them counts neither for nor
    against it.

    Returns
    -------
    Path
        The truth's file.

    Raises
    ------
    ConfigFileError
        If the configuration names no held-out series.
    """
    name = "validation" if part == "validation" else "held_out"
    parts: tuple[BackgroundConfig, ...] = getattr(config.data, name)
    if not parts:
        raise ConfigFileError(f"The configuration names no series in data.{name}, so there is nothing to write.")
    if config.data.nodules is None:
        raise ConfigFileError("The configuration names no data.nodules, so there is nothing to insert.")
    store = split_store(read_store(config.data.nodules, patches=False))[part]
    nodules = [*(cut_out(cube) for cube in store.cubes), *(complete(crop) for crop in store.crops)]
    truth: list[Truth] = []
    excluded: list[Truth] = []
    for made in inserted_scans(config, parts, nodules, scans, progress):
        write_ct_series(
            made.volume,
            out / made.name,
            transfer_syntax="jpeg-ls",
            series_uid=made.uid,
            study_uid=named_uid(made.uid, "study"),
        )
        truth += made.truth
        excluded += made.excluded
    _write(out / "annotations_excluded.csv", excluded)
    _write(out / "annotations.csv", truth)
    progress(scans, scans, "held-out scans written")
    return out / "annotations.csv"


@dataclass(frozen=True)
class InsertedScan:
    """A scan with inserted nodules, and where they are."""

    name: str
    uid: str
    volume: Volume
    truth: tuple[Truth, ...]
    excluded: tuple[Truth, ...]
    """Its real lesions, and inserted nodules that nobody could see."""


def inserted_scans(
    config: TrainingConfig,
    parts: Sequence[BackgroundConfig],
    nodules: list[Nodule],
    scans: int,
    progress: Progress = silent,
) -> Iterator[InsertedScan]:
    """Make scans with inserted nodules, shared evenly among the backgrounds; the same each time.

    Parameters
    ----------
    config : TrainingConfig
    parts : sequence of BackgroundConfig
        The series to insert into.
    nodules : list of Nodule
        Real ones to insert.
    scans : int
    progress : Progress
    """
    done = 0
    used: Counter[str] = Counter()
    for n, patient in enumerate(parts):
        read = read_background(patient)
        volume = preprocess.canonical(read)
        background = make_background(read, patient.lesions, patient.path.name, np.random.default_rng(config.seed))
        for number in range(scans // len(parts) + (n < scans % len(parts))):
            progress(done, scans, f"inserting nodules into {patient.path.name}")
            name = f"{patient.path.name}-{number + 1:02d}"
            uid = named_uid(config.id, config.version, config.seed, name)
            rng = np.random.default_rng([config.seed, n, number])
            made, placed = insert_all(volume, background, nodules, uid, done, used, rng)
            nobody = dict.fromkeys(("patient_birth_date", "accession_number", "study_description"), "")
            named = {"patient_id": name, "patient_name": f"HeldOut^{name}", "series_description": f"held out {name}"}
            series = volume.series.model_copy(update=nobody | named)  # the scan is made up; nobody's birth date is its
            real = [_real(read, patient, uid, index) for index in range(len(patient.lesions))]
            truth = tuple(one for one in placed if one.stands_out)
            buried = [one for one in placed if not one.stands_out]
            yield InsertedScan(name, uid, replace(made, series=series), truth, (*real, *buried))
            done += 1


def insert_all(
    volume: Volume,
    background: Background,
    nodules: list[Nodule],
    uid: str,
    number: int,
    used: Counter[str],
    rng: np.random.Generator,
    beside: Sequence[Truth] = (),
) -> tuple[Volume, list[Truth]]:
    """Insert what the plan says into a scan.

    Parameters
    ----------
    volume : Volume
    background : Background
        Of the same scan, without nodules.
    nodules : list of Nodule
    uid : str
        What the truth calls the series.
    number : int
        Odd and even scans have different plans.
    used : Counter
        How often each nodule has been inserted, over all scans.
    rng
    beside : sequence of Truth
        Nodules that have been inserted already.
    """
    image = volume.voxels.astype(np.float32)
    hu = background.hu.astype(np.float32)
    depth = background.depth.astype(np.float32)
    taken = background.ignore | ~background.search
    inverse = np.linalg.inv(background.affine).astype(np.float64)
    for one in beside:
        taken |= ball(taken.shape, apply_affine(inverse, one.center_mm).tolist(), one.diameter_mm / 2 + 8)
    truth: list[Truth] = []
    sizes = [SIZE_BANDS_MM[band] for band in _SIZES[number % 2]]
    places = [_PLACES[number % 2][n] for n in rng.permutation(len(sizes))]
    plan = list(zip(sizes, rng.permutation(_SUBSOLID).tolist(), places, strict=True))
    for _ in range(_TRIES):
        if not plan:
            break
        band, subsolid, wanted = plan[-1]
        # Those that have been used the least; the later ones of them by chance.
        fitting = _least_used(nodules, used, band, subsolid=subsolid)
        nodule, diameter = draw_nodule(fitting, 1.0, rng, band=band, subsolid=subsolid)
        where = place(hu, depth, taken, replace(nodule, attached=False), diameter, rng, places=_ONLY[wanted])
        if where is None:
            continue
        mm = apply_affine(background.affine, where)
        index = volume.to_index(mm)
        trial = image.copy()
        inserted = insert(
            trial,
            volume.spacing,
            (float(index[0]), float(index[1]), float(index[2])),
            nodule,
            diameter_mm=diameter,
            rotation=random_rotation(rng, axial_only=nodule.thick),
            noise_hu=background.noise_hu,
            rng=rng,
        )
        if inserted.rise_hu < LEAST_RISE_HU:
            continue
        image = trial
        used[nodule.name] += 1
        plan.pop()
        taken |= ball(taken.shape, where, diameter / 2 + 8)
        center = (float(mm[0]), float(mm[1]), float(mm[2]))
        truth.append(Truth(uid, center, diameter, nodule.type, wanted, nodule.name, inserted.stands_out))
    return replace(volume, voxels=np.rint(image).astype(np.int16)), truth


def _least_used(
    nodules: list[Nodule], used: Counter[str], band: tuple[float, float], *, subsolid: bool
) -> list[Nodule]:
    """Real nodules of a type that can be made of a size in the band, those that have been inserted the least often."""
    fitting = [
        n
        for n in nodules
        if (n.type != "solid") == subsolid
        and n.scales[0] * n.diameter_mm < band[1]
        and n.scales[1] * n.diameter_mm > band[0]
    ]
    least = min((used[n.name] for n in fitting), default=0)
    return [n for n in fitting if used[n.name] <= least + 1]


def _real(volume: Volume, part: BackgroundConfig, uid: str, number: int) -> Truth:
    lesion = part.lesions[number]
    mm = volume.to_patient(lesion.index)
    return Truth(uid, (float(mm[0]), float(mm[1]), float(mm[2])), 2 * lesion.radius_mm, "real", "", part.path.name)


def _write(path: Path, rows: list[Truth]) -> None:
    with whole_file(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(row.row() for row in rows)

"""Who learns and who judges: the parts of the data, always divided by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from napari_lesion.support.errors import OptionError
from napari_lesion.training.config.detector import BackgroundConfig, TrainingConfig
from napari_lesion.training.data.annotated import AnnotatedScan, find_annotated
from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.lidc import SIDES, Crop, Store, cube_patient, read_store, split_store
from napari_lesion.training.data.nodules import Cube, Nodule, cut_out
from napari_lesion.training.data.scans import find_background

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """Series to insert into, nodules to insert, and annotated scans."""

    series: tuple[BackgroundConfig, ...] = ()
    cubes: tuple[Cube, ...] = ()
    crops: tuple[Crop, ...] = ()
    annotated: tuple[AnnotatedScan, ...] = ()

    def nodules(self) -> list[Nodule]:
        """Take the nodules out of cubes and crops, to be inserted."""
        return [*(cut_out(cube) for cube in self.cubes), *(complete(crop) for crop in self.crops)]

    def nodule_names(self) -> list[str]:
        """Name the cubes by their own names, and the crops by their patients: for the description of a model."""
        return [f"LIDC-IDRI nodule {cube.name}" for cube in self.cubes] + sorted({c.patient for c in self.crops})

    def patients(self) -> set[str]:
        """Give those of the nodules; whose a scan is without nodules of a store, its headers say."""
        return {cube_patient(cube.name) for cube in self.cubes} | {crop.patient for crop in self.crops}

    def record(self) -> dict[str, list[str]]:
        """Name everything in it."""
        cubes, crops = [cube.name for cube in self.cubes], [crop.name for crop in self.crops]
        return {
            "series": [part.path.name for part in self.series],
            "nodules": cubes + crops,
            "annotated": [scan.uid for scan in self.annotated],
        }


@dataclass(frozen=True)
class Split:
    """What a run learns from, what its validations measure, and what neither has seen."""

    train: Part
    validation: Part
    test: Part
    fold: int | None = None
    folds: int | None = None

    def record(self) -> dict[str, Any]:
        """Write it down."""
        return {
            "fold": self.fold,
            "folds": self.folds,
            "train": self.train.record(),
            "validation": self.validation.record(),
            "test": self.test.record(),
        }


def make_split(config: TrainingConfig, fold: int | None = None, folds: int | None = None) -> Split:
    """Divide the data of a configuration by patient.

    Without a fold, ``data.backgrounds``, the nodules of the training part (``lidc.split_store``) and all annotated
    scans are learned from, and ``data.validation`` with the nodules of that part is for validation. In
    cross-validation all of these are divided into folds; the nodules of the test part and ``data.held_out`` are for
    testing in any case.

    Raises
    ------
    OptionError
        If there is no such fold, there are fewer patients than folds, or it is not known whose a scan is.
    """
    data = config.data
    stores = split_store(read_store(data.nodules, patches=False)) if data.nodules else {}
    train_store, validation_store, test_store = (stores.get(name, Store()) for name in SIDES)
    annotated = find_annotated(data.annotated) if data.annotated else ()
    test = Part(data.held_out, test_store.cubes, test_store.crops)
    if fold is None:
        return Split(
            train=Part(data.backgrounds, train_store.cubes, train_store.crops, annotated),
            validation=Part(data.validation, validation_store.cubes, validation_store.crops),
            test=test,
        )
    if folds is None:
        raise OptionError("How many folds there are is not given. Write folds into the configuration, or pass --folds.")
    if not 0 <= fold < folds:
        raise OptionError(f"There is no fold {fold}: of {folds} folds the first is 0 and the last {folds - 1}.")
    series = _divided((*data.backgrounds, *data.validation), _patient_of_series, "series", fold, folds)
    stored: list[Cube | Crop] = [*train_store.cubes, *validation_store.cubes]
    stored += [*train_store.crops, *validation_store.crops]
    nodules = _divided(stored, _patient_of_nodule, "nodules", fold, folds)
    scans = _divided(annotated, lambda scan: scan.patient, "annotated scans", fold, folds)
    train, validation = (
        Part(
            series[side],
            tuple(one for one in nodules[side] if isinstance(one, Cube)),
            tuple(one for one in nodules[side] if isinstance(one, Crop)),
            scans[side],
        )
        for side in (0, 1)
    )
    _refuse_shared(train, validation)
    return Split(train=train, validation=validation, test=test, fold=fold, folds=folds)


def _divided(
    items: Sequence[Item], whose: Callable[[Item], str], what: str, fold: int, folds: int
) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Items of the other folds, and of this one; all of a patient in one fold."""
    from sklearn.model_selection import GroupKFold

    if not items:
        return (), ()
    patients = [whose(item) for item in items]
    if not all(patients):
        raise OptionError(
            f"Of {patients.count('')} {what} it is not known whose they are, so they cannot be divided by patient. "
            "Name the patient (backgrounds: patient; annotated scans: patients) in the configuration."
        )
    if len(set(patients)) < folds:
        raise OptionError(f"The {what} are of {len(set(patients))} patients; {folds} folds need at least {folds}.")
    train, validation = list(GroupKFold(folds).split(items, groups=patients))[fold]
    return tuple(items[n] for n in train), tuple(items[n] for n in validation)


def _refuse_shared(train: Part, validation: Part) -> None:
    """Refuse a patient with series of both kinds, if these are on both sides."""
    learned, judged = (
        {*map(_patient_of_series, part.series), *(scan.patient for scan in part.annotated)}
        for part in (train, validation)
    )
    if both := sorted(learned & judged):
        raise OptionError(
            f"Patient {both[0]} is both among the backgrounds and among the annotated scans, in different parts of "
            "this fold. Leave one of the two out."
        )


def _patient_of_nodule(nodule: Cube | Crop) -> str:
    return nodule.patient if isinstance(nodule, Crop) else cube_patient(nodule.name)


def _patient_of_series(part: BackgroundConfig) -> str:
    return part.patient or find_background(part).identity.patient_id

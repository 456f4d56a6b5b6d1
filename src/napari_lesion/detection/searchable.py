"""Whether a scan can be searched by a detector, and from which score on its findings are reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_lesion.detection import operating_points
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import OptionError, SeriesError, UnitError

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.models.card import Card


_SINGLE = "a single image, not a volume; this model searches volumes only (nodule-2d searches single CT images, too)."


def is_about_lungs(card: Card) -> bool:
    """Whether a model searches for what models of risk and guidelines for lung nodules speak of, by its own words."""
    return card.modalities == ("CT",) and any(word in f"{card.id} {card.task}".lower() for word in ("lung", "nodule"))


def check_threshold(threshold: float | None, false_positives: float | None = None) -> None:
    """Refuse a reporting threshold that no model can have; None stands for the model's own.

    Raises
    ------
    OptionError
        If the score is not in [0, 1], the rate is not positive, or both are given.
    """
    if threshold is not None and false_positives is not None:
        raise OptionError("Give the threshold as a score or as false positives a scan, not both.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise OptionError(f"A threshold of {threshold} makes no sense: scores lie between 0 and 1.")
    if false_positives is not None and not (0 < false_positives < float("inf")):
        raise OptionError(f"{false_positives} false positives a scan make no sense: it must be more than 0.")


def reporting_threshold(card: Card, threshold: float | None = None, false_positives: float | None = None) -> float:
    """Score from which on a model's findings are reported: as asked for by score or by rate, else the model's own.

    Raises
    ------
    OptionError
        If it makes no sense, or the model does not know such a rate of false positives.
    """
    check_threshold(threshold, false_positives)
    if threshold is not None:
        return threshold
    return card.threshold if false_positives is None else operating_points.score_at(card, false_positives)


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
    if series.kind == "time series":
        return series.refusal
    if series.kind == "image" and not single_images:
        return _SINGLE
    return ""


def _other_modality(modality: str, modalities: Sequence[str]) -> str:
    if modality in modalities:
        return ""
    wanted = " and ".join(modalities)
    return f"not {wanted} but {modality or 'of unknown modality'}; this model searches in {wanted} only"


def refuse_unsuitable_volume(volume: Volume, card: Card) -> None:
    """Refuse a volume of another modality, without HU or of a single image, where the model reads no such."""
    where = f"series {volume.series.series_uid}"
    if why := _other_modality(volume.series.modality, card.modalities):
        raise SeriesError(f"{where}: {why}.")
    if volume.series.modality == "CT" and volume.certificate.unit != "HU":
        raise UnitError(
            f"{where}: its values are in {volume.certificate.unit or 'an unknown unit'}, not in HU "
            f"({volume.certificate.rescale or 'no rescale is given'}). {' '.join(volume.certificate.notes)} "
            "Export it with RescaleType HU or, if you know that its values are HU, say so (--assume-hu, "
            "assume_hu=True)."
        )
    if min(volume.shape) < 2 and not card.single_images:
        raise SeriesError(f"{where}: {_SINGLE}")

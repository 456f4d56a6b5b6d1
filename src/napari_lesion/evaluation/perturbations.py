"""The ways in which `robustness` makes a scan otherwise, each in several strengths, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari_lesion.evaluation import remade_scans as remade
from napari_lesion.evaluation.froc import Mark
from napari_lesion.evaluation.remade_scans import Perturbed
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import OptionError

UNCHANGED = "as it is"
#: A chest's width is in view of every scanner with it.
_FIELD_MM = 500.0
_THICK_MM = (1.0, 2.0, 3.0, 4.0, 5.0)

Make = Callable[[Volume, Sequence[Mark]], Perturbed | None]
"""Takes a scan in canonical orientation and its lesions; None where the scan cannot be made so."""


@dataclass(frozen=True)
class Perturbation:
    """One way to make a scan otherwise.

    Attributes
    ----------
    name : str
    kind : str
        What is varied: ``thickness``, ``kernel``, ``dose``, ``contrast``, ``motion``, ``vendor`` or ``view``; empty for
        the scan as it is.
    strength : float
        In the unit of its kind; from 1 up where there is only an order.
    make : callable
    """

    name: str
    kind: str
    strength: float
    make: Make

    def __call__(self, volume: Volume, lesions: Sequence[Mark]) -> Perturbed | None:
        """Make a scan (canonical orientation, HU) otherwise; None where it cannot be made so."""
        return self.make(volume, lesions)


def default_perturbations() -> dict[str, Perturbation]:
    """Every perturbation by its name, in the order of the table."""
    ways = [
        Perturbation(UNCHANGED, "", 0.0, lambda volume, _: Perturbed(volume)),
        *(Perturbation(f"slices of {mm:.0f} mm", "thickness", mm, _moved(remade.thicker, mm)) for mm in _THICK_MM),
        *(_image("soft kernel, {} mm", "kernel", mm, remade.soften) for mm in (0.4, 0.8, 1.2)),
        *(_image("sharp kernel, {} times", "kernel", gain, remade.sharpen) for gain in (0.5, 1, 2)),
        *(_image("1/{} of the dose", "dose", n, lambda volume, n: remade.less_dose(volume, 1 / n)) for n in (2, 4, 8)),
        *(Perturbation(f"contrast, {hu} HU", "contrast", hu, partial(_enhanced, hu)) for hu in (75, 150, 300)),
        *(_image("motion, {} mm", "motion", mm, remade.moving) for mm in (1, 2, 4)),
        Perturbation("another header", "vendor", 1, lambda volume, _: Perturbed(remade.renamed(volume))),
        Perturbation("another header and kernel", "vendor", 2, lambda volume, _: Perturbed(_of_a_vendor(volume))),
        Perturbation("another header, kernel and field", "vendor", 3, lambda volume, _: Perturbed(_in_field(volume))),
        Perturbation("upper half", "view", 1, lambda volume, _: remade.slab(volume, upper=True)),
        Perturbation("lower half", "view", 1, lambda volume, _: remade.slab(volume, upper=False)),
        Perturbation("left for right", "view", 1, _moved(remade.flip, 2)),
        Perturbation("front for back", "view", 1, _moved(remade.flip, 1)),
        Perturbation("head for feet", "view", 1, _moved(remade.flip, 0)),
        Perturbation("half a voxel further", "view", 1, lambda volume, _: remade.half_voxel(volume)),
    ]
    return {way.name: way for way in ways}


def chosen(only: Iterable[str], ways: Mapping[str, Perturbation]) -> dict[str, Perturbation]:
    """Choose perturbations by their names or kinds; all where none is named.

    Raises
    ------
    OptionError
        If there is no such name or kind.
    """
    wanted = set(only)
    kinds = {way.kind for way in ways.values()} - {""}
    if unknown := sorted(wanted - set(ways) - kinds):
        raise OptionError(
            f"There is no perturbation {unknown[0]!r}; there are the kinds {', '.join(sorted(kinds))}, and "
            f"{'; '.join(ways)}."
        )
    return {name: way for name, way in ways.items() if not wanted or {name, way.kind} & wanted}


def _image(name: str, kind: str, strength: float, change: Callable[[Volume, float], Volume]) -> Perturbation:
    """Change values alone: every lesion stays where it is."""
    return Perturbation(name.format(strength), kind, strength, lambda volume, _: Perturbed(change(volume, strength)))


def _moved(change: Callable[[Volume, Any], Perturbed | None], value: float) -> Make:
    return lambda volume, _: change(volume, value)


def _enhanced(hu: float, volume: Volume, lesions: Sequence[Mark]) -> Perturbed:
    return Perturbed(remade.enhance(volume, lesions, hu))


def _of_a_vendor(volume: Volume) -> Volume:
    return remade.renamed(remade.sharpen(volume, 0.7))


def _in_field(volume: Volume) -> Volume:
    return remade.in_field(_of_a_vendor(volume), _FIELD_MM)

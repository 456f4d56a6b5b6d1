"""How a scan asks to be shown: windows, inversion, a curve, what its scale means. Nothing is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

#: What distances are: of the patient, of the detector (where a projection is larger), or a count of pixels.
Scale: TypeAlias = Literal["patient", "detector", "none"]


class Window(NamedTuple):
    """Which values are spread over the greys: level ± width / 2, in the unit of the voxels."""

    level: float
    width: float

    @property
    def limits(self) -> tuple[float, float]:
        """The values that are just black and just white."""
        return self.level - self.width / 2, self.level + self.width / 2


@dataclass(frozen=True)
class Display:
    """What the headers say about showing a scan.

    Attributes
    ----------
    windows : tuple of Window
        In their order, the first one is to be used at first. The window of a curve spans what the curve covers.
    curve : tuple of float
        Greys from 0 (black) to 1 (white) over the first window at equal steps; empty where they just rise.
    inverted : bool
        Whether low values are to be bright, with values left as they are (MONOCHROME1 of a CT or MR).
    scale : {"patient", "detector", "none"}
        What distances are.
    sides : (str, str)
        Sides of the patient at the right and at the lower edge of an image that has no place in space, as letters of
        R L A P H F; "" where its header does not say.
    """

    windows: tuple[Window, ...] = ()
    curve: tuple[float, ...] = ()
    inverted: bool = False
    scale: Scale = "patient"
    sides: tuple[str, str] = ("", "")

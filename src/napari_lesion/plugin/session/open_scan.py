"""A scan that is open in one viewer, and what belongs to it and comes and goes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakMethod

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.viewer.layers import scan_name

if TYPE_CHECKING:
    from napari.layers import Image, Layer

    from napari_lesion.dicom.index.series import Series


@dataclass(eq=False)
class OpenScan:
    """A scan that is open in one viewer.

    Attributes
    ----------
    key : str
        See `layers.scan_key`.
    layer : Image
        Its picture.
    volume : Volume
    source : Series, optional
        The files that it was read from, where they are known.
    away : list of Layer
        Its layers, the lowest first, while another scan is on the screen.
    kept : dict
        What belongs to it and is put by meanwhile, by the names of `OpenScans.keep`.
    """

    key: str
    layer: Image = field(repr=False)
    volume: Volume = field(repr=False)
    source: Series | None = field(repr=False)
    away: list[Layer] = field(default_factory=list, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    below: int = 0
    """Layers of somebody else that lay below it."""
    shown: int = 0
    """When it came on the screen last, counted in switches."""
    at_work: int = 0
    """How much runs for it."""

    @property
    def name(self) -> str:
        """Of the scan, for people."""
        return scan_name(self.volume.series)

    @property
    def nbytes(self) -> int:
        """Memory of its voxels."""
        return int(self.volume.voxels.nbytes)

    def is_from(self, series: Series) -> bool:
        """Whether it was read from a series."""
        source = self.source
        if source is None:
            return False
        if source is series:
            return True
        ours, theirs = ({frame.file.path for frame in one.frames} for one in (source, series))
        return source.identity == series.identity and not ours.isdisjoint(theirs)


Save: TypeAlias = Callable[[OpenScan], Any]
Restore: TypeAlias = Callable[[OpenScan, Any], None]


class Keepers:
    """Who puts by what belongs to a scan, and brings it back."""

    def __init__(self) -> None:
        self._keepers: dict[str, tuple[WeakMethod[Save], WeakMethod[Restore]]] = {}

    def add(self, name: str, save: Save, restore: Restore) -> None:
        """Take one up, weakly: who keeps something often holds the window, which must not live for their sake."""
        self._keepers[name] = WeakMethod(save), WeakMethod(restore)

    def saved(self, scan: OpenScan) -> dict[str, Any]:
        """Get what belongs to a scan now."""
        return {name: save(scan) for name, (weak, _) in self._keepers.items() if (save := weak()) is not None}

    def restore(self, scan: OpenScan) -> None:
        """Bring back what was kept with a scan."""
        for name, (_, weak) in self._keepers.items():
            if (restore := weak()) is not None:
                restore(scan, scan.kept.get(name))

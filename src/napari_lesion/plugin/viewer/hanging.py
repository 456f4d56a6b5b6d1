"""How a scan opens: as the reader last looked at one of its kind.

The kind of a scan is its modality, what it shows, its plane, and whether its slices are thin or thick. What is
remembered of a kind is the window that was chosen by name, whether four views or one were shown, and whether the prior
was beside the scan. What was never chosen for a kind is as the scan's headers ask, or as the defaults say.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.settings import option, setting, store
from napari_lesion.plugin.viewer.tools.presets import PRESETS, Preset, shows_lungs
from napari_lesion.plugin.viewer.view import volume_of

if TYPE_CHECKING:
    from napari.layers import Image

SETTING = "hanging/choices"
THICK_MM = 2.5
"""Slices from this thickness on are thick: nodules are measured on thinner ones."""
MOST_KINDS = 200
_KIND = "lesion_kind"
"""Key in the metadata of a scan's layer."""
_CHEST = ("CHEST", "LUNG", "THORAX", "PULMO")


@dataclass(frozen=True)
class Hanging:
    """How scans of one kind open; None is what the reader never chose.

    Attributes
    ----------
    window : str or None
        Id of a preset.
    four_up : bool or None
        Four views, or one.
    prior : bool or None
        Beside the scan, as soon as it is compared with one.
    """

    window: str | None = None
    four_up: bool | None = None
    prior: bool | None = None

    @property
    def preset(self) -> Preset | None:
        """The window that was chosen."""
        return next((preset for preset in PRESETS if preset.id == self.window), None)


def kind_of(scan: Image) -> str:
    """Name the kind of a scan by its layer: ``CT chest axial thin``; "" for a layer that is none.

    What it shows is what BodyPartExamined or the descriptions say; where they do not speak of the chest, a CT that
    shows lungs is one of it. It is told once, by the slices that are there when the scan opens.
    """
    volume = volume_of(scan)
    if volume is None:
        return ""
    if _KIND not in scan.metadata:
        scan.metadata[_KIND] = _kind(volume)
    return str(scan.metadata[_KIND])


def _kind(volume: Volume) -> str:
    series, certificate = volume.series, volume.certificate
    said = " ".join((series.body_part, series.study_description, series.series_description)).upper()
    part = series.body_part.strip().lower()
    if any(word in said for word in _CHEST) or shows_lungs(volume):
        part = "chest"
    thickness = certificate.slice_thickness_mm or volume.spacing[0]
    slices = "single" if volume.shape[0] == 1 else "thick" if thickness >= THICK_MM else "thin"
    return " ".join((series.modality or "unknown modality", part or "unknown part", certificate.orientation, slices))


def _choices() -> dict[str, Any]:
    return setting(SETTING, {})


def _chosen(scan: Image) -> Hanging:
    """Look up what the reader chose for scans of a kind, and nothing else."""
    kept = _choices().get(kind_of(scan))
    kept = kept if isinstance(kept, dict) else {}
    window, four_up, prior = (kept.get(name) for name in ("window", "four_up", "prior"))
    return Hanging(
        window if isinstance(window, str) else None,
        four_up if isinstance(four_up, bool) else None,
        prior if isinstance(prior, bool) else None,
    )


def hanging_of(scan: Image) -> Hanging:
    """Look up how a scan opens: as the last one of its kind was read, else in the window that is the default."""
    chosen = _chosen(scan)
    return replace(chosen, window=chosen.window or option("hanging/window") or None)


def remember(scan: Image | None, **chosen: Any) -> None:
    """Remember what the reader chose, for all scans of the kind that come: ``window``, ``four_up`` or ``prior``."""
    kind = kind_of(scan) if scan is not None else ""
    if scan is None or not kind:
        return
    now, choices = replace(_chosen(scan), **chosen), _choices()
    choices.pop(kind, None)  # the last one that was chosen comes last
    choices[kind] = asdict(now)
    store(SETTING, dict(list(choices.items())[-MOST_KINDS:]))


def forget() -> None:
    """Let all scans open again as if nothing had been chosen."""
    store(SETTING, {})

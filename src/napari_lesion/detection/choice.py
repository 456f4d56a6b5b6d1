"""Which detector is asked for, in words: what another process needs to know to load the same one."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lesion.detection import export_runtime, registry
from napari_lesion.models.card import Detector, Precision

TORCH = "torch"


@dataclass(frozen=True)
class DetectorChoice:
    """A detector by its name, and how it is to run.

    Attributes
    ----------
    name : str
        As for `registry.load_detector`, like ``trust_code``, ``classes`` and ``precision``.
    runtime : str
        What runs the network: ``torch``, or what `export_runtime.load_detector` takes.
    """

    name: str
    runtime: str = TORCH
    trust_code: bool = False
    classes: tuple[str, ...] = ()
    precision: Precision = "auto"

    def load(self) -> Detector:
        """Load it.

        Raises
        ------
        ModelError
            If there is no such model, or it is damaged.
        ConfigError
            If it cannot run so.
        """
        if self.runtime != TORCH:
            return export_runtime.load_detector(self.name, self.runtime)
        if self.trust_code or self.classes or self.precision != "auto":
            return registry.load_detector(
                self.name, trust_code=self.trust_code, classes=self.classes, precision=self.precision
            )
        return registry.load_detector(self.name)

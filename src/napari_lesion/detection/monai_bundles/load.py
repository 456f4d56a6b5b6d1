"""A MONAI bundle as a detector, by what kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_lesion.detection.monai_bundles.bundle import as_model_error, read_bundle
from napari_lesion.models.card import Detector, Precision, require_float32
from napari_lesion.support.errors import ModelError


def load_bundle(
    path: str | Path, trust_code: bool = False, classes: Sequence[str] = (), precision: Precision = "auto"
) -> Detector:
    """Load a bundle as a detector.

    Parameters
    ----------
    path : str or Path
        The bundle's folder.
    trust_code : bool
        See ``read_bundle``.
    classes : sequence of str
        Names or numbers of the classes of a segmentation bundle that become findings; by default its lesions.
    precision : Precision
        The numbers that a detection bundle computes in; a segmentation bundle always does in float32.

    Raises
    ------
    ModelError
        If it is no bundle, is damaged, is of a kind that is not supported, would have to run its own code, or has no
        such classes.
    ConfigError
        If bfloat16 is asked for and it is a segmentation bundle.
    """
    bundle = read_bundle(path, trust_code)
    if bundle.kind == "detection":
        if classes:
            raise ModelError(f"model {bundle.card.id} finds boxes, not classes: no classes can be chosen.")
        from napari_lesion.detection.monai_bundles.retinanet import RetinaNetBundle

        with as_model_error(f"{bundle.config.path} cannot be used"):
            return RetinaNetBundle(bundle, precision=precision)
    from napari_lesion.detection.monai_bundles.segmentation import SegmentationBundle

    require_float32(bundle.card.id, precision)
    with as_model_error(f"{bundle.config.path} cannot be used"):
        return SegmentationBundle(bundle, classes)

"""Weights of eight bits for OpenVINO, calibrated on boxes of scans."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_lesion.models.packages import ModelPackage
from napari_lesion.support.errors import OptionError, SeriesError
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    pass


Image: TypeAlias = npt.NDArray[np.float32]


CALIBRATION_SIDE = 96
"""Voxels along each side of the crops that the ranges of int8 are taken from."""


MULTIPLE = 16
"""``networks.INPUT_MULTIPLE``, whose module brings torch along."""


INFO = "napari_lesion"


_NNCF_SILENT = "NNCF_CI"


_INSTALL = "Install it with `pip install napari-lesion[openvino]`."


def quantised(model: Any, calibration: Sequence[Image]) -> Any:
    """Turn convolutions to 8-bit integers, with ranges as they occur in some boxes (NNCF, post-training).

    The head stays in float: its logit decides the score.

    Raises
    ------
    OptionError
        If NNCF is not installed.
    """
    required_package("openvino")
    before = os.environ.get(_NNCF_SILENT)
    os.environ[_NNCF_SILENT] = "1"  # else it sends a report on its use to its makers
    try:
        nncf = required_package("nncf")
    finally:
        if before is None:
            del os.environ[_NNCF_SILENT]
    logging.getLogger("nncf").setLevel(logging.ERROR)
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution"]
    result = nncf.quantize(
        model,
        nncf.Dataset(list(calibration)),
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=[convolutions[-1].get_friendly_name()]),
    )
    result.set_rt_info("int8", [INFO, "weights"])
    return result


def calibration_boxes(
    package: ModelPackage, paths: Sequence[Path], *, progress: Progress = silent
) -> tuple[Image, ...]:
    """Crops of the lung boxes of every CT series below some paths, to take the ranges of int8 from.

    Raises
    ------
    SeriesError
        If there is no CT volume below a path.
    LungsNotFoundError
        If no lung is in view of one of them.
    """
    if not paths:
        return ()
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series
    from napari_lesion.imaging.preprocess import prepare

    crops = []
    for number, path in enumerate(paths):
        found = [s for s in find_series(path) if s.identity.modality == "CT" and s.kind not in ("localizer", "image")]
        if not found:
            raise SeriesError(
                f"{path}: no CT volume is below it to take the ranges of int8 from. Choose another folder."
            )
        for series in found:
            progress(number, len(paths), f"reading {path.name}")
            box = prepare(read_series(series), spacing_mm=package.metadata.preprocessing.spacing_mm)
            crops += _crops(box.image.numpy())
    return tuple(crops)


def _crops(image: Image) -> list[Image]:
    """Cut a box into whole crops of ``CALIBRATION_SIDE``, or one as large as it allows."""
    sides = [min(CALIBRATION_SIDE, n // MULTIPLE * MULTIPLE) for n in image.shape]
    starts = [range(0, n - side + 1, side) for n, side in zip(image.shape, sides, strict=True)]
    d, h, w = sides
    return [
        np.ascontiguousarray(image[None, None, z : z + d, y : y + h, x : x + w])
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]


def required_package(name: str) -> Any:
    """Import a package of the extra ``openvino``."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise OptionError(f"{name} is needed for this and is not installed. {_INSTALL}") from error

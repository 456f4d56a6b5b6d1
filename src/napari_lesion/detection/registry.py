"""The registry of detectors: which there are, and how one is loaded by its id. All that is a detector ends here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from napari_lesion.detection.monai_bundles.bundle import is_bundle, read_bundle
from napari_lesion.detection.monai_bundles.load import load_bundle
from napari_lesion.models import package_metadata, packages, store
from napari_lesion.models.card import Card, Detector, Precision, require_float32
from napari_lesion.support.errors import ModelError

DEFAULT_MODEL = "nodule-3d"

_LOG = logging.getLogger(__name__)


def list_models() -> tuple[Card, ...]:
    """Cards of the detectors that have an id: those that come with the package, then those that were added.

    No weights are read. An added model whose description is damaged is left out, with a warning in the log; ``models
    verify`` says what is wrong.

    Raises
    ------
    ModelError
        If the description of a model that comes with the package is damaged.
    """
    cards = []
    for folder in packages.model_folders():
        try:
            card = read_card(folder)
            if not (isinstance(card, package_metadata.Metadata) and card.purpose):
                cards.append(card)
        except ModelError as error:
            if folder.parent == packages.SHIPPED:
                raise
            _LOG.warning("model %s is left out: %s", folder.name, error)
    return tuple(cards)


def read_card(name: str | Path) -> Card:
    """Read the card of a model by its id or path; no weights are read.

    Raises
    ------
    ModelError
        If there is no such model, or its description is wrong.
    """
    folder = packages.find_model(name)
    origin = None if (folder / packages.DESCRIPTION).is_file() else store.read_origin(folder)
    return origin.card if origin else card_in(folder)


def card_in(folder: Path) -> Card:
    """Read the card that a folder holds, of a model package or of a MONAI bundle.

    Raises
    ------
    ModelError
        If there is neither, or its description is wrong.
    """
    if (folder / packages.DESCRIPTION).is_file():
        return packages.read_package(folder).metadata

    if not is_bundle(folder):
        raise ModelError(store.no_model(folder))
    return read_bundle(folder).card


def load_detector(
    name: str | Path = DEFAULT_MODEL,
    *,
    trust_code: bool = False,
    classes: Sequence[str] = (),
    precision: Precision = "auto",
) -> Detector:
    """Load a detector; its weights are checked against their sha256, then read.

    Parameters
    ----------
    name : str or Path
        The id of a model that is installed, or the folder of a model package or of a MONAI bundle.
    trust_code : bool
        Let a bundle run code of its own. A package has none.
    classes : sequence of str
        Names or numbers of the classes of a segmentation bundle that become findings; by default its lesions.
    precision : Precision
        The numbers that the network computes in, see ``inference.number_type``.

    Raises
    ------
    ModelError
        If there is no such model, it is damaged, it does not run without its code, or it has no such classes.
    ConfigError
        If bfloat16 is asked for and the model always computes in float32.
    """
    folder = packages.find_model(name)
    if not (folder / packages.DESCRIPTION).is_file():
        store.verify(folder)

        return load_bundle(folder, trust_code, classes, precision)
    package = packages.read_package(folder)
    if classes:
        raise ModelError(f"model {package.metadata.id} has no classes to choose from.")

    if purpose := package.metadata.purpose:
        raise ModelError(f"model {package.metadata.id} finds nothing: {purpose}. Name a detector.")

    return _DETECTORS[package.metadata.network.name](package, precision)


def _nodule_detector(package: packages.ModelPackage, precision: Precision) -> Detector:
    from napari_lesion.detection.nodule3d import NoduleDetector

    return NoduleDetector(package, precision=precision)


def _patch_detector(package: packages.ModelPackage, precision: Precision) -> Detector:
    from napari_lesion.detection.nodule2d import PatchDetector

    require_float32(package.metadata.id, precision)
    return PatchDetector(package)


#: How the detector of each network is made; its module, which brings torch along, is imported when it is needed.
_DETECTORS: dict[str, Callable[[packages.ModelPackage, Precision], Detector]] = {
    "NoduleNet": _nodule_detector,
    "PatchNet": _patch_detector,
}

"""Model packages: a folder with the weights, what they are (``model.yaml``), and a card for people (``card.md``).

The weights' sha256 is checked before they are opened, and safetensors cannot run code. Packages lie where the program
is (``SHIPPED``), where the user keeps those that were added (``home``), or anywhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from napari_lesion.models.package_metadata import ID_PATTERN, Metadata
from napari_lesion.security import signing
from napari_lesion.security.signing import Signed
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.bounded import UnreadableError, parse_yaml
from napari_lesion.support.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from torch.nn import Module

SHIPPED = Path(__file__).parents[1] / "detection" / "weights"
"""Where the packages lie that come with the program, one folder each."""
DESCRIPTION, WEIGHTS, CARD = "model.yaml", "weights.safetensors", "card.md"
FILES = (DESCRIPTION, WEIGHTS, CARD)
"""Of a package."""

HOME_VARIABLE = "NAPARI_LESION_MODELS"
"""Environment variable that names another folder for added models."""

_REINSTALL = "Install the model again."


@dataclass(frozen=True)
class ModelPackage:
    """A model package whose description has been read; its weights have not."""

    folder: Path
    metadata: Metadata

    @property
    def weights(self) -> Path:
        """The weights' file."""
        return self.folder / WEIGHTS


def require_window(package: ModelPackage, prepared: tuple[float, float]) -> None:
    """Refuse a package whose network wants other HU than those that this version prepares.

    Raises
    ------
    ModelError
    """
    wanted = package.metadata.preprocessing.window_hu
    if wanted != prepared:
        raise ModelError(
            f"model {package.metadata.id}: {package.folder / DESCRIPTION} asks for the HU window {wanted}, but this "
            f"version "
            f"prepares {prepared}. Use a model made for this version."
        )


def home() -> Path:
    """Folder of the models that the user added, one folder each; it need not exist."""
    if given := os.environ.get(HOME_VARIABLE):
        return Path(given)
    from platformdirs import user_data_path

    return user_data_path("napari-lesion", appauthor=False) / "models"


def read_description(content: bytes, path: str | Path) -> Metadata:
    """Parse a ``model.yaml``.

    Parameters
    ----------
    content : bytes
        The file.
    path : str or Path
        Where it came from, for the sentence when it is wrong.

    Raises
    ------
    ModelError
        If it is wrong, or does not say what the weights' sha256 is.
    """
    try:
        metadata = Metadata.model_validate(parse_yaml(content))
    except UnreadableError as error:
        raise ModelError(f"{path} cannot be read: {error}. {_REINSTALL}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ModelError(f"{path}: {where}: {first['msg']}. Correct it, or install the model again.") from error
    if not metadata.sha256:
        raise ModelError(f"{path}: no sha256 of the weights is given, so they cannot be trusted. {_REINSTALL}")
    return metadata


def read_package(folder: Path) -> ModelPackage:
    """Read the description of a package; the weights are not touched.

    Raises
    ------
    ModelError
        If the description is missing or wrong.
    """
    path = folder / DESCRIPTION
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{folder} is no model package: it holds no {DESCRIPTION}.") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {' '.join(str(error).split())}. {_REINSTALL}") from error
    return ModelPackage(folder, read_description(content, path))


def model_folders() -> tuple[Path, ...]:
    """Folders of the models that have an id: those that come with the package, then those that were added."""
    added = (path for path in home().glob("*/") if re.fullmatch(ID_PATTERN, path.name))
    return (*sorted(path.parent for path in SHIPPED.glob(f"*/{DESCRIPTION}")), *sorted(added))


def find_model(name: str | Path) -> Path:
    """Find the folder of a model, a package or a bundle, by its id or by its path; ids come first.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    folders = model_folders()
    if isinstance(name, str):
        for folder in folders:
            if folder.name == name:
                return folder
    if Path(name).is_dir():
        return Path(name)
    known = ", ".join(folder.name for folder in folders) or "none is installed"
    raise ModelError(
        f"There is no model {str(name)!r}: it is neither one of the models that are installed ({known}) nor the folder "
        "of a model package or a MONAI bundle."
    )


def find_package(name: str | Path) -> ModelPackage:
    """Find a package by its id, or by its folder.

    Raises
    ------
    ModelError
        If there is no such package, or its description is wrong.
    """
    return read_package(find_model(name))


def check_signature(folder: Path) -> Signed | None:
    """Check the signature of a package (`signing.check`); those that come with the program are part of it.

    Raises
    ------
    ModelError
        If the package is refused.
    """
    if folder.parent == SHIPPED:
        return None
    return signing.check(folder, own_files(folder))


def own_files(folder: Path) -> tuple[str, ...]:
    """Names of the files of a package that are there, but for its signature."""
    return tuple(file for file in FILES if (folder / file).is_file())


def verify(package: ModelPackage) -> bytes:
    """Check a package's signature and its weights' sha256, and return their bytes: exactly what was checked.

    Raises
    ------
    ModelError
        If the weights are missing or not those that the description names, or a signature is wrong or missing.
    """
    if check_signature(package.folder) is not None and read_package(package.folder) != package:
        raise ModelError(f"model {package.metadata.id}: {DESCRIPTION} was changed while it was read. Try again.")
    return read_weights(package)


def read_weights(package: ModelPackage) -> bytes:
    """Check the weights' sha256 and return their bytes, whoever signed them.

    Raises
    ------
    ModelError
        If the weights are missing or not those that the description names.
    """
    try:
        content = package.weights.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {package.metadata.id}: its weights {package.weights} cannot be read ({error.strerror}). "
            f"{_REINSTALL}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != package.metadata.sha256:
        raise ModelError(
            f"model {package.metadata.id}: its weights {package.weights} are damaged or have been changed: sha256 "
            f"{found}, "
            f"but {DESCRIPTION} names {package.metadata.sha256}. They were not opened. {_REINSTALL}"
        )
    return content


def load_network(package: ModelPackage) -> Module:
    """Build the network of a package, whatever its kind, with its weights, ready for inference on the CPU.

    Raises
    ------
    ModelError
        If the weights are missing, damaged, or do not fit the network.
    """
    content = verify(package)
    from safetensors import SafetensorError
    from safetensors.torch import load

    network = package.metadata.network.build()
    try:
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"model {package.metadata.id}: its weights {package.weights} do not fit the network that {DESCRIPTION} "
            f"describes ({reason}). {_REINSTALL}"
        ) from error
    return network.eval()


def save_package(folder: Path, state: Mapping[str, Tensor], metadata: Metadata, card: str) -> ModelPackage:
    """Write a package, whole or not at all; one that is there already is replaced.

    Parameters
    ----------
    folder : Path
    state : mapping
        The network's ``state_dict()``.
    metadata : Metadata
        Its ``sha256`` is filled in here.
    card : str
        The model card in Markdown: what it was trained and tested on, and what it cannot do.
    """
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in state.items()})
    return write_package(folder, content, metadata, card)


def write_package(folder: Path, weights: bytes, metadata: Metadata, card: str) -> ModelPackage:
    """Write a package from the bytes of its weights (safetensors), as ``save_package`` does."""
    metadata = metadata.model_copy(update={"sha256": hashlib.sha256(weights).hexdigest()})
    description = yaml.safe_dump(
        metadata.model_dump(mode="json", exclude_none=True, by_alias=True), sort_keys=False, allow_unicode=True
    )
    with whole_folder(folder) as new:
        (new / WEIGHTS).write_bytes(weights)
        (new / DESCRIPTION).write_text(description, encoding="utf-8")
        (new / CARD).write_text(card, encoding="utf-8")
    return ModelPackage(folder, metadata)

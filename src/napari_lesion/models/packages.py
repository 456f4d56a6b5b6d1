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
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_lesion.models.card import Card
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
ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Ids are names of folders on every system."""

_REINSTALL = "Install the model again."


class _Spec(BaseModel):
    """A network of ``models.networks`` by its name; adding one is a class there and one here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: ClassVar[str] = ""
    """What it does instead of finding anything, as the end of a sentence; empty for those of detectors."""
    name: str
    width: int = Field(gt=0)

    def build(self) -> Module:
        """Make the network, with random weights."""
        from napari_lesion.models import networks

        network: Module = getattr(networks, self.name)(width=self.width)
        return network


class NoduleNetSpec(_Spec):
    """``networks.NoduleNet``: centre heatmap and size of nodules in 3D."""

    name: Literal["NoduleNet"] = "NoduleNet"


class PatchNetSpec(_Spec):
    """``networks.PatchNet``: classifies planes around candidates."""

    name: Literal["PatchNet"] = "PatchNet"


class PlanesNetSpec(_Spec):
    """``networks.PlanesNet``: classifies the three planes through a candidate together."""

    name: Literal["PlanesNet"] = "PlanesNet"


class SegmentNetSpec(_Spec):
    """``networks.SegmentNet``: outlines the nodule that is pointed at."""

    purpose = "it outlines what a detector found"
    name: Literal["SegmentNet"] = "SegmentNet"


class LooksNetSpec(_Spec):
    """``networks.LooksNet``: tells how readers rate the look of a nodule."""

    purpose = "it tells how a finding looks"
    name: Literal["LooksNet"] = "LooksNet"


NetworkSpec: TypeAlias = Annotated[
    NoduleNetSpec | PatchNetSpec | PlanesNetSpec | SegmentNetSpec | LooksNetSpec, Field(discriminator="name")
]
"""Which network the weights belong to: a union of the specifications, told apart by ``name``."""


class Preprocessing(BaseModel):
    """What the network was trained to see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spacing_mm: float = Field(gt=0)
    """Voxel pitch, the same along all axes."""
    window_hu: tuple[float, float]
    """HU that become 0 and 1; values outside are clipped."""


class Calibration(BaseModel):
    """A map from the network's probability to the reported score: straight lines between points, strictly rising."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: tuple[tuple[float, float], ...]
    """(probability, score), from (0, 0) to probability 1."""

    @model_validator(mode="after")
    def _rises(self) -> Calibration:
        points = np.array(self.points)
        if len(points) < 2 or points[0].any() or points[-1, 0] != 1 or points[-1, 1] > 1:
            raise ValueError("calibration points run from (0, 0) to probability 1 with a score of at most 1")
        if (np.diff(points, axis=0) <= 0).any():
            raise ValueError("calibration points rise strictly in probability and score")
        return self

    def __call__(self, probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Heat in [0, 1] → score in [0, 1], any shape."""
        x, y = np.array(self.points).T
        score: npt.NDArray[np.float32] = np.interp(probability, x, y).astype(np.float32)
        return score

    def probability(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Score → probability, the way back; any shape."""
        x, y = np.array(self.points).T
        result: npt.NDArray[np.float64] = np.interp(score, y, x)
        return result


SECOND_STAGE, ONLY_JUDGES = "second_stage", "only_judges"
"""What `model.yaml` calls them, also for earlier versions."""


class FalsePositiveReduction(BaseModel):
    """How the score of a patch classifier is joined to that of the detector: a logistic function of both logits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Id of the patch classifier."""
    intercept: float
    first: float = Field(ge=0)
    """Factor of the detector's own logit."""
    second: float = Field(ge=0)
    """Factor of the classifier's mean logit over the planes."""

    def __str__(self) -> str:
        """Give what a listing shows."""
        return self.model


class Metadata(Card):
    """``model.yaml``: the card, and what is needed to run the network."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=f"^{ID_PATTERN}$")
    sha256: str = ""
    """Of the weights; ``write_package`` fills it in."""
    network: NetworkSpec
    preprocessing: Preprocessing
    training_cases: tuple[str, ...]
    """What the network has seen: series and data sets, so that nobody tests on them unknowingly."""
    calibration: Calibration | None = None
    false_positive_reduction: FalsePositiveReduction | None = Field(
        default=None,
        validation_alias=AliasChoices("false_positive_reduction", SECOND_STAGE),
        serialization_alias=SECOND_STAGE,
    )
    """The model that looks at the candidates again; None where there is none."""
    reduces_false_positives: bool = Field(
        default=False,
        validation_alias=AliasChoices("reduces_false_positives", ONLY_JUDGES),
        serialization_alias=ONLY_JUDGES,
    )
    """It has learned a detector's candidates alone: a false-positive reduction, and no detector by itself."""

    @property
    def is_segmenter(self) -> bool:
        """Whether it outlines what a detector found."""
        return isinstance(self.network, SegmentNetSpec)

    @property
    def purpose(self) -> str:
        """What it does instead of finding anything, as the end of a sentence; empty for detectors."""
        return "it scores the candidates of a detector again" if self.reduces_false_positives else self.network.purpose


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

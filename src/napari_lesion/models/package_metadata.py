"""What a model package says of itself: network, preprocessing, calibration, false-positive reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from napari_lesion.models.card import Card

if TYPE_CHECKING:
    from torch.nn import Module


ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""Ids are names of folders on every system."""


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
        """Probability in [0, 1] → score in [0, 1], any shape."""
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

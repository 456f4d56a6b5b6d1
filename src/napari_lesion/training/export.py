"""From a finished run to a model pack."""

from __future__ import annotations

from pathlib import Path

from napari_lesion.detection import preprocess
from napari_lesion.detection.networks import NoduleNet
from napari_lesion.detection.packs import Metadata, NoduleNetSpec, Preprocessing, save_pack
from napari_lesion.findings import RESEARCH_USE
from napari_lesion.training.config import TrainingConfig
from napari_lesion.training.nodules import read_cubes, split_cubes


def export(config: TrainingConfig, network: NoduleNet, out: Path) -> Path:
    """Write the pack of a run to ``out/model``; returns that folder.

    The card says what is known from the run. What was measured on other data has to be added by those who measured.
    """
    cubes = split_cubes(read_cubes(config.data.nodules))["train"]
    backgrounds = [part.path.name for part in config.data.backgrounds]
    metadata = Metadata(
        id=config.id,
        version=config.version,
        task="detection of lung nodules in chest CT",
        licence="Apache-2.0",
        threshold=config.threshold,
        summary="Small fully convolutional 3D network: centre heatmap and size of nodules at 1 mm.",
        network=NoduleNetSpec(width=config.width),
        preprocessing=Preprocessing(spacing_mm=preprocess.SPACING_MM, window_hu=preprocess.HU_WINDOW),
        training_cases=(*backgrounds, *(f"LIDC-IDRI nodule {cube.name}" for cube in cubes)),
    )
    card = "\n".join(
        (
            f"# {config.id} {config.version}",
            "",
            RESEARCH_USE,
            "",
            f"Trained for {config.steps} steps of {config.batch_size} crops of {config.crop} mm, seed {config.seed}.",
            f"Backgrounds: {', '.join(backgrounds)}, and {config.data.phantoms} synthetic scans.",
            f"Nodules: {len(cubes)} real ones (LIDC-IDRI), and synthetic ones of every type.",
            "",
            "Not evaluated yet.",
            "",
        )
    )
    return save_pack(out / "model", network.state_dict(), metadata, card).folder

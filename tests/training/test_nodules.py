"""What is inserted: nodules without the surroundings that they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from training_scan import write_project

from napari_lesion.support.errors import ConfigError
from napari_lesion.training.data.nodules import Cube, cut_out, read_cubes, split_cubes, synthesise


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> list[Cube]:
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    return read_cubes(folder / "nodules")


def test_no_patient_is_in_two_parts(cubes: list[Cube]) -> None:
    parts = split_cubes(cubes)
    patients = [{c.name.split("_")[0] for c in part} for part in parts.values()]
    assert all(patients)
    assert sum(len(p) for p in patients) == len(set.union(*patients)) == 10


def test_a_cut_out_nodule_leaves_its_vessel_and_pleura_behind() -> None:
    hu = np.full((51, 51, 51), -850, np.int16)
    grid = np.indices(hu.shape) - 25
    mask = np.sqrt((grid**2).sum(0)) < 5
    hu[mask] = 20
    hu[25, 25, :] = np.maximum(hu[25, 25, :], 0)  # a vessel right through it
    hu[:, 40:, :] = 40  # pleura
    nodule = cut_out(Cube(hu, mask, "1_nod0", "solid"))
    distance = np.sqrt((grid**2).sum(0))
    assert nodule.fraction[distance > 5 + 2.5].max() == 0
    assert nodule.fraction[distance < 3].min() > 0.9
    assert nodule.diameter_mm == pytest.approx(10, abs=0.4)
    assert nodule.center == pytest.approx((25, 25, 25), abs=0.1)


@pytest.mark.parametrize("kind", ["solid", "part-solid", "ground-glass"])
@pytest.mark.parametrize("diameter", [5.0, 12.0, 25.0])
def test_a_synthetic_nodule_has_the_size_and_density_of_its_type(kind: str, diameter: float) -> None:
    nodule = synthesise(diameter, kind, np.random.default_rng(1))  # type: ignore[arg-type]
    assert nodule.diameter_mm == pytest.approx(diameter, rel=0.35)
    middle = nodule.fraction[tuple(slice(n // 2 - 1, n // 2 + 2) for n in nodule.fraction.shape)].mean()
    if kind == "ground-glass":
        assert 0.05 < middle < 0.8
    if kind == "solid":
        assert middle > 0.7
    faces = [nodule.fraction.take(i, axis).max() for axis in range(3) for i in (0, -1)]
    assert max(faces) < 0.05


def test_missing_cubes_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nodule cubes cannot be read"):
        read_cubes(tmp_path)

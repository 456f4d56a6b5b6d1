"""What pip puts on a user's machine: the same manifest, samples and weights, however the project is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# Runs in the environment under test, outside the repository, and prints what a user of that environment has.
LOOK = """
import importlib.metadata, importlib.resources, json
import napari_lesion
from npe2 import PluginManager

def names(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []

manager = PluginManager()
manager.discover()
manifest = manager.get_manifest("napari-lesion")
manifest.validate_imports()
data = importlib.resources.files("napari_lesion_manifest")
package = importlib.resources.files("napari_lesion")
print(json.dumps({
    "package": str(package),
    "data": str(data),
    "version": importlib.metadata.version("napari-lesion"),
    "manifest": data.joinpath("napari.yaml").read_text(encoding="utf-8"),
    "commands": sorted(c.id for c in manifest.contributions.commands or ()),
    "samples": names(data.joinpath("sample_dicoms")),
    "weights": names(package.joinpath("detection", "weights", "nodule-3d")),
    "typed": package.joinpath("py.typed").is_file(),
}))
"""


@dataclass(frozen=True)
class Installed:
    """A fresh environment with napari-lesion in it, and what was found there."""

    folder: Path
    found: dict[str, object]


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command; its whole output is the message of a failure."""
    # An editable install of the project that runs this test must not stand in for the one under test.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    said = " ".join(map(str, command))[:200]
    assert done.returncode == 0, f"{said} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is in the repository, so that building leaves nothing behind in it."""
    target = tmp_path_factory.mktemp("packaging") / "tree"
    ignore = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "out", "runs", "dist")
    shutil.copytree(REPOSITORY, target, ignore=ignore)
    return target


@pytest.fixture(scope="session")
def distributions(tree: Path) -> Path:
    """The sdist, and the wheel that is built from it."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tree.parent / "dist", cwd=tree)
    return tree.parent / "dist"


@pytest.fixture(scope="session", params=["wheel", "sdist", "editable"])
def installed(request: pytest.FixtureRequest, tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """napari-lesion installed without its dependencies, which are borrowed from the environment of the tests."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    Path(paths["purelib"], "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    if request.param == "editable":
        what = ["--editable", str(tree)]
    else:
        distributions = request.getfixturevalue("distributions")
        what = [str(next(distributions.glob("*.whl" if request.param == "wheel" else "*.tar.gz")))]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    run(*pip, "--no-index", "--no-deps", "--no-build-isolation", "--ignore-installed", *what, cwd=folder)
    return Installed(folder, json.loads(run(python, "-c", LOOK, cwd=folder)))


def test_the_installed_manifest_is_the_one_at_the_top_of_the_repository(installed: Installed) -> None:
    assert Path(str(installed.found["data"])).is_relative_to(installed.folder)
    assert installed.found["manifest"] == (REPOSITORY / "napari.yaml").read_text(encoding="utf-8")


def test_napari_finds_the_plugin_and_its_commands(installed: Installed) -> None:
    assert "napari-lesion.analyse_folder" in installed.found["commands"]  # type: ignore[operator]


def test_the_samples_the_weights_and_the_types_come_along(installed: Installed) -> None:
    here = sorted(p.name for p in (REPOSITORY / "sample_dicoms").iterdir())
    assert installed.found["samples"] == here
    assert "truth.csv" in here
    assert {"weights.safetensors", "model.yaml", "card.md"} <= set(installed.found["weights"])  # type: ignore[call-overload]
    assert installed.found["typed"]


def test_the_sdist_has_what_a_packager_needs_to_build_and_test(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "napari.yaml", "constraints.txt"}
    assert wanted | {"tests/conftest.py", "scripts/test", "docs/architecture.md"} <= names


def test_the_wheel_has_no_tests_and_nothing_else_at_the_top(distributions: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(next(distributions.glob("*.whl")), tmp_path, format="zip")
    top = {p.name for p in tmp_path.iterdir() if not p.name.endswith(".dist-info")}
    assert top == {"napari_lesion", "napari_lesion_manifest"}

"""``models`` and the options of ``analyse`` that concern them, as a user types them."""

import os

import pytest
from fake_scan import FakeDetector

from napari_lesion.models import package_metadata, packages
from napari_lesion.models.card import Metric

PACK = package_metadata.Metadata(
    id="mine",
    version="0.3",
    task="detection of test nodules",
    licence="CC0-1.0",
    threshold=0.4,
    intended_use="For tests, not for patients.",
    metrics=(Metric(name="CPM", value=0.6512, interval=(0.58, 0.71), data="20 held-out scans"),),
    operating_points=((0.5, 0.8), (4.0, 0.2)),
    network=package_metadata.NoduleNetSpec(width=2),
    preprocessing=package_metadata.Preprocessing(spacing_mm=1, window_hu=(-1000, 400)),
    training_cases=("1.2.3",),
)


@pytest.fixture
def run(monkeypatch, command, tmp_path):
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    return command


@pytest.fixture
def package(tmp_path):
    packages.save_package(tmp_path / "package", {}, PACK, "# Mine\n\nMade for a *test*.\n")
    return tmp_path / "package"


def test_a_model_is_added_listed_shown_exported_and_removed(run, package, tmp_path):
    status, out, _ = run("models", "add", package)
    assert status == 0
    assert "--model mine" in out

    out = run("models", "list")[1]
    assert "nodule-3d (default)" in out
    assert ["mine", "0.3"] in [line.split()[:2] for line in out.splitlines()]
    assert str(package) in out

    out = run("models", "show", "mine")[1]
    for words in (
        "mine 0.3: detection of test nodules, licence CC0-1.0",
        f"from {package}",
        "For tests, not for patients.",
        "0.5 from 0.8 on, 4 from 0.2 on",
        "NoduleNet (width 2)",
        "Made for a *test*.",
    ):
        assert words in out
    assert "CPM       0.6512  0.58 to 0.71   20 held-out scans" in out

    assert run("models", "export", "mine", "-o", tmp_path / "mine.zip")[0] == 0
    assert run("models", "remove", "mine")[0] == 0
    assert "mine" not in run("models", "list")[1]
    assert run("models", "add", tmp_path / "mine.zip")[0] == 0
    status, out, _ = run("models", "verify")
    assert status == 0
    assert out.count("intact") == len(packages.model_folders())


def test_damaged_models_are_said_and_nothing_is_added(run, package, tmp_path):
    run("models", "add", package)
    os.truncate(tmp_path / "home" / "mine" / packages.WEIGHTS, 2)
    status, out, err = run("models", "verify")
    assert status == 1
    assert "damaged or has been changed since it was added" in err
    assert "intact   nodule-3d" in out
    (tmp_path / "home" / "mine" / packages.DESCRIPTION).write_text("id: mine")
    out, err = run("models", "list")[1:]
    assert "nodule-3d (default)" in out
    assert "damaged: " in err

    os.truncate(package / packages.WEIGHTS, 2)
    status, _, err = run("models", "add", package, "--replace")
    assert status == 2
    assert "nothing was added" in err


def test_pull_says_what_there_is_and_wants_pins(run):
    rows = [line.split()[:4] for line in run("models", "pull")[1].splitlines()]
    assert ["lung_nodule_ct_detection", "84", "MB", "Apache-2.0"] in rows
    status, _, err = run("models", "pull", "owner/name", "--revision", "main")
    assert status == 2
    assert "no commit" in err


def test_analyse_hands_classes_trust_and_precision_to_the_model_only_when_told(run, tmp_path, monkeypatch):
    asked = []

    def load(name, **options):
        asked.append((name, options))
        return FakeDetector()

    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", load)
    (tmp_path / "empty").mkdir()
    command = ("analyse", tmp_path / "empty", "-o", tmp_path / "out", "--model", "bundle")
    run(*command)
    run(*command, "--class", "tumor", "--class", "cyst", "--trust-bundle-code")
    run(*command, "--precision", "float32")
    assert asked == [
        ("bundle", {}),
        ("bundle", {"trust_code": True, "classes": ("tumor", "cyst"), "precision": "auto"}),
        ("bundle", {"trust_code": False, "classes": (), "precision": "float32"}),
    ]

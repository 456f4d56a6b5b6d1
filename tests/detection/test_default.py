"""Which model searches where none is named."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.detection.default import default_model, make_default
from napari_lesion.detection.registry import DEFAULT_MODEL
from napari_lesion.models import packages
from napari_lesion.support.errors import ModelError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path))
    return tmp_path


def test_another_model_is_made_the_default_and_back(home: Path) -> None:
    assert default_model() == DEFAULT_MODEL
    make_default("nodule-2d")
    assert default_model() == "nodule-2d"
    listed = CliRunner().invoke(app, ["models", "list"]).output
    assert "nodule-2d (default)" in listed.replace("\n", " ")
    assert CliRunner().invoke(app, ["models", "default", DEFAULT_MODEL]).output.strip() == DEFAULT_MODEL
    assert not list(home.iterdir())


def test_a_default_that_is_gone_is_said_and_not_replaced_silently(home: Path) -> None:
    make_default("nodule-2d")
    (home / "default-model").write_text("gone\n")
    with pytest.raises(ModelError, match=r"'gone', which was made the default, is not there any more"):
        default_model()
    failed = CliRunner().invoke(app, ["analyse", str(home), "-o", str(home / "out")])
    assert isinstance(failed.exception, ModelError)
    assert not (home / "out").exists()


@pytest.mark.parametrize("name", ["unheard-of", "nodule-seg", "../x"])
def test_only_a_detector_can_be_the_default(name: str) -> None:
    with pytest.raises(ModelError, match="There is no detector"):
        make_default(name)
    assert default_model() == DEFAULT_MODEL


def test_the_catalogue_says_size_licence_and_published_numbers() -> None:
    output = " ".join(CliRunner().invoke(app, ["models", "pull"]).output.split())
    for words in ("lung_nodule_ct_detection", "84 MB", "Apache-2.0", "0.852"):
        assert words in output

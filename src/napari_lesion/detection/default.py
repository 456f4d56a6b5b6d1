"""Which model searches where none is named: ``nodule-3d``, unless the user chose another."""

from __future__ import annotations

from pathlib import Path

from napari_lesion.detection.registry import DEFAULT_MODEL, list_models
from napari_lesion.models import packages
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ModelError

FILE_NAME = "default-model"


def default_model() -> str:
    """Give the id of the model that the command line and the viewer use where none is named.

    Raises
    ------
    ModelError
        If the model that was chosen is gone: another one would find other things without a word.
    """
    try:
        name = _file().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return DEFAULT_MODEL
    if name not in {folder.name for folder in packages.model_folders()}:
        raise ModelError(
            f"The model {name[:80]!r}, which was made the default, is not there any more. Choose one with "
            f"`napari-lesion models default`, e.g. {DEFAULT_MODEL}, or name one (--model)."
        )
    return name


def make_default(name: str) -> None:
    """Let a model be used where none is named; it is kept beside the user's own models.

    Raises
    ------
    ModelError
        If there is no such detector, or the choice cannot be kept.
    """
    known = [card.id for card in list_models()]
    folders = {folder.name for folder in packages.model_folders()}
    if name not in folders or name not in known:
        raise ModelError(f"There is no detector {name!r}; there are: {', '.join(known)}.")
    try:
        if name == DEFAULT_MODEL:
            _file().unlink(missing_ok=True)
            return
        with whole_file(_file()) as new:
            new.write_text(name + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{_file()} cannot be written ({error.strerror}).") from error


def _file() -> Path:
    return packages.home() / FILE_NAME

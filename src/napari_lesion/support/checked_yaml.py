"""YAML files that are checked against a model of pydantic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_lesion.support.bounded import UnreadableError, parse_yaml
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.support.vault import read_text

Model = TypeVar("Model", bound=BaseModel)


def read_checked(path: Path, kind: type[Model], what: str) -> Model:
    """Read a YAML file as a model of pydantic.

    Parameters
    ----------
    path : Path
    kind : type
    what : str
        What the file is, for the sentence when it is wrong: ``configuration``.

    Raises
    ------
    ConfigFileError
        If the file is missing, no YAML, or holds a wrong or unknown field; the message names it.
    """
    try:
        content: Any = parse_yaml(read_text(path))
        return kind.model_validate(content)
    except (OSError, UnreadableError) as error:
        raise ConfigFileError(f"The {what} {path} cannot be read: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigFileError(f"The {what} {path}: {where}: {first['msg']}.") from error

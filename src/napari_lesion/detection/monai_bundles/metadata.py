"""``configs/metadata.json`` of a MONAI bundle: read, bounded, and checked for what is asked of it here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from napari_lesion.support.bounded import UnreadableError, parse_json, read_text
from napari_lesion.support.errors import ModelError

LARGEST = 20 * 2**20
"""Bytes of a description at most."""
_MOST_CHANNELS = 10_000


def _words(value: Any) -> Any:
    """Take numbers for words (a version 0.1), null for none, and what is no Unicode for a question mark."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _table(value: Any) -> Any:
    return {} if value is None else value


Words = Annotated[str, BeforeValidator(_words)]
Table = Annotated[dict[str, Any], BeforeValidator(_table)]
Channels = Annotated[int, Field(ge=0, le=_MOST_CHANNELS)]
ChannelNames = Annotated[
    dict[Annotated[int, Field(ge=0, lt=_MOST_CHANNELS)], Words],
    Field(max_length=_MOST_CHANNELS),
    BeforeValidator(_table),
]


class Stated(BaseModel):
    """A part of the metadata; other fields are nobody's business here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageFormat(Stated):
    """One image that goes into the network, or one result that comes out of it."""

    format: Words = ""
    modality: Words = ""
    num_channels: Channels | None = None
    channel_def: ChannelNames = {}


class DataFormat(Stated):
    """``network_data_format``."""

    inputs: dict[str, ImageFormat] = {}
    outputs: dict[str, ImageFormat] = {}


class BundleMetadata(Stated):
    """What a bundle says of itself."""

    name: Words = ""
    version: Words = "unknown"
    task: Words = ""
    description: Words = ""
    intended_use: Words = ""
    license: Words = ""
    licence: Words = ""
    image_classes: Words = ""
    eval_metrics: Table = {}
    network_data_format: DataFormat = DataFormat()


def read_metadata(path: Path) -> tuple[BundleMetadata, Mapping[str, Any]]:
    """Read a bundle's metadata: what is asked of it here, and all of it.

    Raises
    ------
    ModelError
        If the file is missing or no JSON, or a field holds something else than it should; it is named.
    """
    again = "Download the bundle again, or correct it."
    try:
        content = parse_json(read_text(path, largest=LARGEST))
    except FileNotFoundError:
        raise ModelError(f"{path.parent.parent} is no MONAI bundle: it holds no configs/metadata.json.") from None
    except (OSError, UnreadableError) as error:
        raise ModelError(f"{path} cannot be read: {' '.join(str(error).split())}. {again}") from error
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} does not hold a bundle's metadata, but {_kind(content)}. {again}")
    try:
        return BundleMetadata.model_validate(content), content
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        given = first["input"]
        if first["type"] in ("model_type", "dict_type", "string_type", "int_type"):
            wanted = {"string_type": "text", "int_type": "a whole number"}.get(first["type"], "a table")
            raise ModelError(f"{path}: {field} is {_kind(given)}, where {wanted} is expected. {again}") from error
        raise ModelError(f"{path}: {field} is {str(given)[:80]!r}: {first['msg']}. {again}") from error


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names: tuple[tuple[Any, str], ...] = (
        (bool, "true or false"),
        (int | float, "a number"),
        (str, "text"),
        (list, "a list"),
        (Mapping, "a table"),
    )
    return next(name for kind, name in names if isinstance(value, kind))

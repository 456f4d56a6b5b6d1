"""Where annotations are kept: one file for each series and reader, whole or not at all, and never the wrong one."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pydantic import ValidationError

from napari_lesion.annotation.annotations import SCHEMA_VERSION, AnnotationSet, Grid
from napari_lesion.annotation.labels import LUNG_NODULES, LabelSet, read_labels
from napari_lesion.atomic import whole_file
from napari_lesion.bounded import parse_json
from napari_lesion.errors import AnnotationError, ConfigError
from napari_lesion.volume import Volume

ENDING = ".annotations.json"
LABELS = "labels.yaml"


@dataclass(frozen=True)
class Store:
    """A folder of annotations: ``<series UID>/<reader>.annotations.json``, and ``labels.yaml`` if it has its own."""

    folder: Path

    def labels(self) -> LabelSet:
        """Read the label set of the folder; by default that for lung nodules.

        Raises
        ------
        ConfigError
            If ``labels.yaml`` is wrong.
        """
        path = self.folder / LABELS
        return read_labels(path) if path.exists() else LUNG_NODULES

    def path(self, series_uid: str, reader: str) -> Path:
        """Where the annotations of a series by a reader are, or would be.

        Raises
        ------
        AnnotationError
            If the reader has no name.
        """
        if not reader.strip():
            raise AnnotationError("Say who is reading first: annotations are kept by the reader's name.")
        # As in a web address: any name makes a file name, and another name makes another one.
        return self.folder / quote(series_uid, safe="") / (quote(reader, safe=" ") + ENDING)

    def readers(self, series_uid: str) -> tuple[str, ...]:
        """Names of those who have annotated a series, sorted. No file is read."""
        folder = self.folder / quote(series_uid, safe="")
        return tuple(sorted(unquote(path.name.removesuffix(ENDING)) for path in folder.glob(f"*{ENDING}")))

    def load(self, series_uid: str, reader: str) -> AnnotationSet | None:
        """Read the annotations of a series by a reader; None where there are none.

        Raises
        ------
        ConfigError
            If the file is damaged, of a later version, or of somebody else.
        """
        path = self.path(series_uid, reader)
        if not path.exists():
            return None
        found = load_file(path)
        if (found.series_uid, found.reader) != (series_uid, reader):
            raise ConfigError(
                f"{path} is of the series {found.series_uid} and the reader {found.reader!r}. Move it away."
            )
        return found

    def load_series(self, series_uid: str) -> tuple[AnnotationSet, ...]:
        """Read what all readers annotated in a series, ordered by name."""
        folder = self.folder / quote(series_uid, safe="")
        found = [load_file(path) for path in folder.glob(f"*{ENDING}")]
        return tuple(sorted(found, key=lambda one: one.reader))

    def load_all(self) -> tuple[AnnotationSet, ...]:
        """Read everything in the folder, ordered by series and reader.

        Raises
        ------
        ConfigError
            If a file is damaged or of a later version.
        """
        found = [load_file(path) for path in self.folder.glob(f"*/*{ENDING}")]
        return tuple(sorted(found, key=lambda one: (one.series_uid, one.reader)))

    def save(self, annotations: AnnotationSet) -> AnnotationSet:
        """Write annotations to the disk, and return them as they are there (the revision is one higher).

        Raises
        ------
        AnnotationError
            If the file was changed since it was read (another window of the same reader), or cannot be written.
        """
        path = self.path(annotations.series_uid, annotations.reader)
        there = self.load(annotations.series_uid, annotations.reader)
        if (there.revision if there else 0) != annotations.revision:
            raise AnnotationError(
                f"{path} was changed elsewhere, by another window or computer of the reader {annotations.reader!r}. "
                "Nothing was overwritten: open the scan again to go on from there."
            )
        saved = annotations.model_copy(update={"revision": annotations.revision + 1})
        text = json.dumps(saved.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False)
        try:
            with whole_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())  # a power cut must not leave an empty file under the right name
        except OSError as error:
            raise AnnotationError(f"{path} cannot be written ({error.strerror}). Choose another folder.") from error
        return saved


def open_set(store: Store, volume: Volume, reader: str, label_set: str) -> AnnotationSet:
    """Read a reader's annotations of a scan, or start with none.

    Raises
    ------
    AnnotationError
        If they were drawn on other voxels: the scan was read otherwise then (slices missing or interpolated).
    ConfigError
        If the file is damaged.
    """
    found = store.load(volume.series.series_uid, reader)
    if found is None:
        return AnnotationSet.empty(volume, reader, label_set)
    check_grid(found, volume)
    return found


def check_grid(annotations: AnnotationSet, volume: Volume) -> None:
    """Refuse annotations that were drawn on other voxels than those of a scan.

    Raises
    ------
    AnnotationError
    """
    if not annotations.grid.same(Grid.of(volume)):
        raise AnnotationError(
            f"The annotations of {annotations.reader!r} were drawn on {annotations.grid.shape} voxels, and this scan "
            f"has {volume.shape} or lies elsewhere: it is not the series as it was then (slices added or missing?). "
            "Open the same files as then."
        )


def load_file(path: Path) -> AnnotationSet:
    """Read one file of annotations.

    Raises
    ------
    ConfigError
        If it is none, damaged, or of a later version.
    """
    try:
        content: Any = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON ({error}).") from error
    version = str(content.get("schema_version", "")) if isinstance(content, dict) else ""
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise ConfigError(f"{path}: schema version {version or 'missing'}, and this program reads {SCHEMA_VERSION}.")
    try:
        return AnnotationSet.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{path}: no annotations of this program ({where}: {first['msg']}).") from error

"""The configuration file of a MONAI bundle: JSON or YAML, with what it includes from other files of the same bundle.

Includes (macros, ``%other.json::key`` or ``%key``) are resolved as ``monai.bundle.ConfigParser`` does, but for three
things: paths lead from the bundle's folder, not from where the program was started; they cannot lead out of it; and
copies of copies end at a bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from napari_lesion.detection.monai_bundles.config import BundleConfig, Raw
from napari_lesion.detection.monai_bundles.metadata import LARGEST
from napari_lesion.support.bounded import DEEPEST, UnreadableError, parse_json, parse_yaml, read_text
from napari_lesion.support.errors import ModelError

MOST_VALUES = 100_000
"""Values in a configuration, with what it includes and what its aliases stand for; MONAI's largest has a thousandth."""


def read_config(path: Path, *, trust_code: bool = False, extra: Mapping[str, Raw] | None = None) -> BundleConfig:
    """Read a configuration file (JSON or YAML), without running anything in it.

    Parameters
    ----------
    path : Path
    trust_code : bool
        See ``BundleConfig``.
    extra : mapping, optional
        Values that replace those of the file, e.g. ``bundle_root``.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    from monai.bundle.config_parser import ConfigParser
    from monai.bundle.utils import merge_kv

    content = _read(path)
    parser = ConfigParser()
    try:
        for key, value in {**content, **(extra or {})}.items():
            merge_kv(parser, str(key), value)
        whole = parser.get()
    except Exception as error:  # MONAI's own, of keys that lead nowhere
        raise ModelError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}.") from error
    config = BundleConfig(whole, path, trust_code=trust_code)
    resolved = _Includes(path, config.folder, whole).resolve(whole, "")
    _require_targets(resolved, path)
    return BundleConfig(resolved, path, trust_code=trust_code)


def _read(path: Path) -> Mapping[str, Raw]:
    try:
        text = read_text(path, largest=LARGEST)
        content = parse_json(text) if path.suffix.lower() == ".json" else parse_yaml(text)
    except (OSError, UnreadableError) as error:
        raise ModelError(
            f"{path} cannot be read: {' '.join(str(error).split())}. Download the bundle again."
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is no configuration: it holds no table of keys. Download the bundle again.")
    if count(content) > MOST_VALUES:
        raise ModelError(f"{path} has more than {MOST_VALUES:,} values, so it is no configuration of a bundle.")
    return content


class _Includes:
    """Puts what is included in the place of what includes it."""

    def __init__(self, path: Path, folder: Path, whole: Raw) -> None:
        self._path, self._folder, self._whole = path, folder.resolve(), whole
        self._left = MOST_VALUES
        self._files: dict[Path, Raw] = {}

    def resolve(self, piece: Raw, where: str, depth: int = 0) -> Raw:
        """Resolve a piece in place, in MONAI's order."""
        from monai.bundle.config_parser import ConfigParser

        if depth > DEEPEST:
            raise ModelError(f"{self._path}: {where.partition('::')[0]} is nested more than {DEEPEST} levels deep.")
        if isinstance(piece, dict | list):
            for key, value in piece.items() if isinstance(piece, dict) else enumerate(piece):
                piece[key] = self.resolve(value, f"{where}::{key}" if where else str(key), depth + 1)
            return piece
        if not isinstance(piece, str) or len(piece) > LARGEST:
            return piece
        try:
            piece = ConfigParser.resolve_relative_ids(where, piece)
        except ValueError:
            raise ModelError(f"{self._path}: {where}: {piece[:200]!r} leads out of the configuration.") from None
        return self._included(piece[1:], where) if piece.startswith("%") else piece

    def _included(self, text: str, where: str) -> Raw:
        from monai.bundle.config_parser import ConfigParser

        name, key = ConfigParser.split_path_id(text)
        source = self._file(name, where) if name else self._whole
        try:
            found = BundleConfig(source, self._path).raw(key) if key else source
        except ModelError:
            raise ModelError(f"{self._path}: {where}: {text[:200]!r} names nothing that is there.") from None
        self._left -= count(found)
        if self._left < 0:
            raise ModelError(f"{self._path}: what it includes again and again has more than {MOST_VALUES:,} values.")
        return deepcopy(found)

    def _file(self, name: str, where: str) -> Raw:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise ModelError(
                f"{self._path}: {where}: it includes {name[:200]}, which lies outside the bundle's folder. A bundle "
                "may read nothing there; get it from somewhere else."
            )
        if path not in self._files:
            self._files[path] = _read(path)
        return self._files[path]


def count(piece: Any) -> int:
    """Count the values of a piece of configuration, at most one more than ``MOST_VALUES``."""
    found, todo = 0, [piece]
    while todo and found <= MOST_VALUES:
        part = todo.pop()
        found += 1
        if isinstance(part, Mapping):
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
    return found


def _require_targets(content: Raw, path: Path) -> None:
    """Refuse objects whose class or whose arguments have no names."""
    todo = [("", content)]
    while todo:
        where, piece = todo.pop()
        if isinstance(piece, Mapping):
            named = isinstance(piece.get("_target_", ""), str) and all(isinstance(key, str) for key in piece)
            if "_target_" in piece and not named:
                raise ModelError(f"{path}: {where}: its class or an argument has no name. Download the bundle again.")
            todo += [(f"{where}::{key}" if where else str(key), value) for key, value in piece.items()]
        elif isinstance(piece, list):
            todo += [(f"{where}::{n}", value) for n, value in enumerate(piece)]

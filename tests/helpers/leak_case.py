"""Run a command on the canary patient, and collect all that it prints, logs, writes and leaves behind.

Where something of the patient may stand is the table of ``docs/privacy-by-the-way.md``, and nothing else: `allowed`
reads it.
"""

from __future__ import annotations

import io
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from leak_canary import FOLDER, PARTS, parts_in

from napari_lesion.cli.main import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "privacy-by-the-way.md"
#: Everything that a text of DICOM can say of the patient, which the objects made of a scan carry on.
ALL = "all"


#: Where names were to be withheld the files are others.
WITHHELD = "--withhold-names"


def allowed() -> dict[str, frozenset[str]]:
    """Read the tables: for each place (where, what) what may stand there."""
    places: dict[str, frozenset[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 4 or cells[0] == "where" or set(cells[0]) <= set("-: "):
            continue
        where, what, held, why = cells
        assert why, f"{where}, {what}: the table does not say why"
        parts = frozenset(part.strip() for part in held.split(",")) - {"nothing"}
        assert parts <= PARTS, parts - PARTS
        for one in what.split(","):
            place = f"{where}: {one.strip()}".replace("`", "")
            assert place not in places, f"twice in the table: {place}"
            places[place] = parts
    return places


@dataclass
class Collected:
    """What of the patient was found where, to be compared with the table."""

    places: dict[str, set[str]] = field(default_factory=dict)

    def add(self, place: str, *what: object) -> None:
        """Note what is found; UIDs of studies and series may be in all that is printed and written."""
        self.places.setdefault(place, set()).update(parts_in(*what) - {"uid"})

    def compare(self) -> None:
        """Fail where something is at a place that may not have it."""
        table = allowed()
        places = {place: parts for place, parts in self.places.items() if not place.startswith("before: ")}
        wrong = {
            place: (sorted(parts), sorted(table.get(place, ())))
            for place, parts in places.items()
            if not parts <= table.get(place, frozenset())
        }
        for place, (parts, _) in wrong.items() if "NAPARI_LESION_SHOW_PLACES" in os.environ else ():
            where, _, what = place.partition(": ")
            sys.__stderr__.write(f"\n| {where} | {what} | {', '.join(parts) or 'nothing'} | WHY |\n")
        assert wrong == {}, "place: (what is there, what may be)"


@dataclass
class Case:
    """A folder that is called after the patient, with their scan, and a home of nobody."""

    root: Path
    capture: pytest.CaptureFixture[str]
    collected: Collected
    where: str = ""
    results: Path = Path()
    patch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    @property
    def scan(self) -> Path:
        return self.root / FOLDER / "ct"

    @property
    def out(self) -> Path:
        return self.root / FOLDER / "out"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    def __call__(self, *words: object, status: int = 0, where: str | None = None) -> str:
        """Run the program, and note what it says and writes; gives what it printed."""
        where = where or self.where
        before = _files(self.root)
        with logged() as records, _as_it_was():
            pytest.MonkeyPatch.setattr(self.patch, sys, "argv", ["napari-lesion", *map(str, words)])
            with pytest.raises(SystemExit) as end:
                main()
        printed = "".join(self.capture.readouterr())
        assert (end.value.code or 0) == status, printed
        self.collected.add(f"{where}: printed", printed)
        assert parts_in(records.getvalue()) == set(), records.getvalue()
        self.written(where, before)
        return printed

    def written(self, where: str, before: dict[Path, tuple[int, int]]) -> None:
        """Note what stands in files that are new or have changed, and how these are called."""
        left = [path for path in self.temporary.rglob("*") if "napari-lesion-test-ports" not in str(path)]
        assert left == [], "something is left in the folder for temporary files"
        for path, state in _files(self.root).items():
            if before.get(path) == state or path.suffix == ".lock":
                continue
            below = path.relative_to(self.out if path.is_relative_to(self.out) else self.root)
            files = f"files, {WITHHELD}" if WITHHELD in where else "files"
            self.collected.add(f"{files}: {_kind_of(path)}", path.read_bytes())
            self.collected.add(f"{files}: names of files", str(below).replace(FOLDER, ""))


def _kind_of(path: Path) -> str:
    """Name a file by its kind, without UIDs and numbers, and without what SQLite adds to names."""
    return re.sub(r"[0-9.]*7707707[0-9.]*|[0-9a-f]{12,}|\d+", "N", path.name).removesuffix("-wal").removesuffix("-shm")


def _files(root: Path) -> dict[Path, tuple[int, int]]:
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_size)
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect all that anybody logs at any level, with traces as Python writes them, and all warnings."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield said
        said.writelines(f"{one.filename}: {one.message}\n" for one in warned)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Give the process back what the program takes over: handlers of logs and signals, and hooks for errors."""
    root = logging.getLogger()
    handlers, levels = list(root.handlers), {n: logging.getLogger(n).level for n in list(root.manager.loggerDict)}
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks
        for number, old in signals.items():
            signal.signal(number, old)


@contextmanager
def new_case(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], fill: Callable[[Path], None]
) -> Iterator[Case]:
    """Make a folder of a case, with a home and a folder for temporary files of its own."""
    case = Case(folder, capture, Collected(), patch=monkeypatch)
    case.scan.parent.mkdir(parents=True)
    case.temporary.mkdir()
    fill(case.root / FOLDER)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DOCUMENTS_DIR"):
        (folder / "home" / name).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(folder / "home" / name))
    monkeypatch.setenv("NAPARI_LESION_MODELS", str(folder / "home" / "models"))
    monkeypatch.setenv("NAPARI_LESION_STATE", str(folder / "home" / "state"))
    monkeypatch.setenv("NAPARI_LESION_AUDIT", str(folder / "home" / "audit.log"))
    monkeypatch.setenv("TMPDIR", str(case.temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr("napari_lesion.cli.console._QUIET_S", -1)  # each step of the work is said
    monkeypatch.setattr("napari_lesion.cli.live._QUIET_S", -1)
    monkeypatch.chdir(case.root / FOLDER)
    try:
        yield case
    finally:
        shutil.rmtree(case.temporary, ignore_errors=True)

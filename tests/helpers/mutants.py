"""Damage every kind of file that the program reads, always the same way for the same seed, and read it.

Bytes are damaged, and, of JSON, YAML and tables, what they say: a part taken out, doubled, exchanged, or made something
else, with checksums made anew half of the time so that the damage gets past them. Only two outcomes are allowed: what
was read, or a ``LesionError`` with a sentence. Another exception, a hang (20 s) or more than 2 GB of memory ends the
run with the number of the mutant. CT images, multiframes, DICOMDIRs and zips come from `dicom_fuzz`.

    python tests/helpers/mutants.py --mutants 20000 --seed 3                # a long run over all kinds
    python tests/helpers/mutants.py --seed 3 --kinds bundle --mutants 2000  # kinds whose names begin so
    python tests/helpers/mutants.py --seed 3 --first 711 --mutants 1 --keep /tmp/mutant    # one again, files kept
"""

# ruff: noqa: T201 - a script as well
from __future__ import annotations

import argparse
import copy
import csv
import faulthandler
import io
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dicom_fuzz
import numpy as np
import yaml
from dicom_fuzz import Files, Random
from mutant_kinds import KINDS, Kind, seeds

from napari_lesion.support.checksums import CHECKSUMS, checksums_of, seal
from napari_lesion.support.errors import LesionError

HANG_S = 20
MEMORY_BYTES = 2 * 10**9

# ---------------------------------------------------------------------------------------------- what is said, changed

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 10**12, 10**400, 0.5, -0.0, 1e308, 1e-320, float("nan"), float("inf"), [], {}),
    *(
        "",
        " ",
        "x",
        "@",
        "@network",
        "$@device",
        "$[1] * 9",
        "%a",
        "\ud800",
        "\0",
        "é" * 300,
        "../x",
        "/dev/zero",
        "=1",
    ),
    *("1e999", "nan", "2026-13-45", "00000000", "1.2.840.10008.1.2", "a\nb", "\x1b[2J", "1_0", "0x10", "٣"),
    *([[[]]], {"_target_": "UNet"}, {"_target_": None}, {"_disabled_": "@x"}, {"x": {"y": [None]}}, ["a"] * 50),
)


ODD = tuple(map(ord, "$@%:#()[]. \0é\ud800"))


def said_otherwise(random: Random, content: Any) -> Any:
    """A copy of parsed content with one to three places changed."""
    content = copy.deepcopy(content)
    for _ in range(int(random.integers(1, 4))):
        spots: list[tuple[Any, Any]] = []
        todo = [content]
        while todo:
            part = todo.pop()
            keys: list[Any] = list(part) if isinstance(part, dict) else list(range(len(part)))
            spots += [(part, key) for key in keys]
            todo += [part[key] for key in keys if isinstance(part[key], dict | list)]
        if not spots:
            return STRANGE[int(random.integers(len(STRANGE)))]
        part, key = spots[int(random.integers(len(spots)))]
        other, other_key = spots[int(random.integers(len(spots)))]
        value, kind = part[key], random.random()
        if kind < 0.15:
            del part[key]
        elif kind < 0.25:
            part[key] = copy.deepcopy(other[other_key])
        elif kind < 0.3 and isinstance(part, list):
            part.insert(key, copy.deepcopy(value))
        elif kind < 0.35 and isinstance(part, dict):
            part[f"{key}"[::-1]] = part.pop(key)
        elif kind < 0.45 and isinstance(value, str) and value:
            place = int(random.integers(len(value)))
            part[key] = value[:place] + chr(random.choice(ODD)) + value[place + 1 :]
        elif kind < 0.6 and isinstance(value, int | float) and not isinstance(value, bool):
            part[key] = value * (-1, 0, 2, 3, 1000, 10**20)[int(random.integers(6))]
        else:
            part[key] = copy.deepcopy(STRANGE[int(random.integers(len(STRANGE)))])
    return content


def _text(content: Any) -> bytes:
    return json.dumps(content).encode()


def json_otherwise(random: Random, data: bytes) -> bytes:
    """Change what a JSON file says; its checksums fit half of the time."""
    content = said_otherwise(random, json.loads(data))
    for listed in ("findings", "annotations"):
        if isinstance(content, dict) and isinstance(content.get(listed), list) and random.random() < 0.5:
            try:
                content[CHECKSUMS] = checksums_of(content, listed)
            except ValueError:
                del content[CHECKSUMS]
    return _text(content)


def lines_otherwise(random: Random, data: bytes) -> bytes:
    """Change what the lines of a journal say; their seals fit half of the time."""
    lines = said_otherwise(random, [json.loads(line) for line in data.splitlines()])
    if random.random() < 0.7 and isinstance(lines, list):
        last = ""
        for line in lines:
            if isinstance(line, dict):
                line.pop("seal", None)
                try:
                    line["seal"] = last = seal(last, line)
                except ValueError:
                    line["seal"] = last
    return b"".join(_text(line) + b"\n" for line in (lines if isinstance(lines, list) else [lines]))


def yaml_otherwise(random: Random, data: bytes) -> bytes:
    """Change what a YAML file says."""
    content = said_otherwise(random, yaml.safe_load(data))
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def table_otherwise(random: Random, data: bytes) -> bytes:
    """Change cells, rows and separators of a table."""
    rows = said_otherwise(random, list(csv.reader(io.StringIO(data.decode()))))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=",;\t|"[int(random.integers(4))] if random.random() < 0.2 else ",")
    for row in rows if isinstance(rows, list) else [rows]:
        writer.writerow([str(cell) for cell in (row if isinstance(row, list) else [row])])
    encoding = (
        ("utf-8", "utf-8-sig", "latin-1", "utf-16")[int(random.integers(4))] if random.random() < 0.2 else "utf-8"
    )
    return out.getvalue().encode(encoding, "replace")


OTHERWISE: Mapping[str, Callable[[Random, bytes], bytes]] = {
    "json": json_otherwise,
    "lines": lines_otherwise,
    "yaml": yaml_otherwise,
    "table": table_otherwise,
}


# ---------------------------------------------------------------------------------------------------------- mutants


def mutant(kinds: Mapping[str, Files], forms: Mapping[str, str], seed: int, number: int) -> tuple[str, str, Files]:
    """Kind, what was done, and the files of mutant ``number``."""
    random = np.random.default_rng((seed, number))
    names = sorted(kinds)
    name = names[number % len(names)]
    files = dict(kinds[name])
    other = next(iter(kinds[names[int(random.integers(len(names)))]].values()))
    key = sorted(files)[int(random.integers(len(files)))]
    form = forms.get(name, "")
    if form == "by name":
        form = {".json": "json", ".yaml": "yaml"}.get(Path(key).suffix, "")
    if form in ("json", "lines") and not key.endswith((".json", ".jsonl", ".ndjson")):
        form = ""  # what is kept beside a journal
    if form and random.random() < 0.7:
        files[key] = OTHERWISE[form](random, files[key])
        return name, f"{form} otherwise in {key}", files
    steps = dicom_fuzz.MUTATIONS if files[key][128:132] == b"DICM" else dicom_fuzz.BLIND
    changes = [steps[int(random.integers(len(steps)))] for _ in range(int(random.integers(1, 4)))]
    for change in changes:
        files[key] = change(random, files[key], other) if files[key] else b""
    return name, f"{', '.join(change.__name__ for change in changes)} in {key}", files


@dataclass(frozen=True)
class Looked:
    """What became of one mutant."""

    kind: str
    result: str
    seconds: float
    grown: int
    """Bytes of memory that it took."""
    failed: str = ""


def look(kind: str, read: Callable[[Path], object], folder: Path) -> Looked:
    """Read a mutant."""
    before = _fresh_peak()
    begin = time.perf_counter()
    result, failed = "read", ""
    try:
        result = str(read(folder) or "read")
    except LesionError as error:
        result = type(error).__name__
        if not str(error).strip():
            failed = f"a {result} that says nothing"
    except Exception:
        result, failed = "FAILED", traceback.format_exc()
    seconds = time.perf_counter() - begin
    grown = _peak() - before
    if grown > MEMORY_BYTES:
        failed = failed or f"{grown / 1e9:.2f} GB of memory"
    return Looked(kind, result, seconds, grown, failed)


def _fresh_peak() -> int:
    """Bytes of memory that this process has now; the highest is counted anew from here on (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Most bytes of memory so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def run(seed: int, numbers: range, only: tuple[str, ...], keep: Path | None) -> Iterator[tuple[str, Looked]]:
    """Make and read mutants, and say what each was."""
    with tempfile.TemporaryDirectory() as temporary:
        files = seeds(Path(temporary) / "seeds", only)
        if "dicom".startswith(only) or any(name.startswith("dicom") for name in only):
            files |= {f"dicom {n}": f for n, f in dicom_fuzz.corpus(Path(temporary) / "corpus").items()}
        files = {name: one for name, one in files.items() if name.startswith(only)}
        forms = {name: kind.form for name, kind in KINDS.items()}
        for number in numbers:
            name, what, changed = mutant(files, forms, seed, number)
            folder = (keep or Path(temporary)) / f"mutant{number}"
            for path, data in changed.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
            kind = KINDS.get(name, Kind("", lambda path: dicom_fuzz.outcome(path, allow_gaps=True)))
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            print(f"seed {seed} mutant {number}: {name}: {what}", end=" → ", flush=True)
            looked = look(name, kind.read, folder)
            faulthandler.cancel_dump_traceback_later()
            print(looked.result, flush=True)
            yield name, looked
            if keep is None:
                shutil.rmtree(folder)


def main() -> int:
    """Run mutants; exit status 1 where one ended in anything but what was read or a ``LesionError``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--kinds", default="", help="beginnings of names, separated by commas; all")
    parser.add_argument("--keep", type=Path, help="write the files of the mutants here and leave them")
    parser.add_argument("--go-on", action="store_true", help="count failures instead of stopping at the first")
    arguments = parser.parse_args()
    os.environ["NAPARI_LESION_STATE"] = tempfile.gettempdir()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    slowest, most, failures = 0.0, 0, 0
    numbers = range(arguments.first, arguments.first + arguments.mutants)
    for name, looked in run(arguments.seed, numbers, tuple(arguments.kinds.split(",")), arguments.keep):
        counts[name][looked.result] += 1
        slowest, most = max(slowest, looked.seconds), max(most, looked.grown)
        if looked.failed:
            print(looked.failed, flush=True)
            failures += 1
            if not arguments.go_on:
                return 1
    for name, results in sorted(counts.items()):
        print(f"{name}: {dict(results)}")
    total = sum(results.total() for results in counts.values())
    print(f"mutants: {total}, failures: {failures}, slowest: {slowest:.1f} s, memory: {most / 1e6:.0f} MB")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

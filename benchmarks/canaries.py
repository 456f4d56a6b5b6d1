"""Whether a value that names a patient is left by any combination of de-identification's options.

    python benchmarks/canaries.py [--seed S] [--shard I/N] [--after COMBINATIONS] [--most COMBINATIONS] [--no-check]

A slice of CT, a report, segmentation and key images get a canary in each attribute of PS3.15 Table E.1-1 and around
them: at the top, three sequences deep, in a private sequence. Each combination of ``--retain`` and ``--clean``
de-identifies all of them, with the check (``--no-check``: without it, in two thirds of the time); then the bytes of
what was written are searched for every canary but those that an option keeps. First come combinations among which any
three options are together in every way; then every combination of the others with or without ``--clean pixels``, as
the seed says, which is about nothing but pixels; then all that are left.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options, options_of
from napari_lesion.deidentification.run import DeidentificationError, deidentify
from napari_lesion.support.errors import LesionError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
import canary_case


def main() -> None:
    """Try and print; exit status 1 where something is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", default="1/1", help="of N parts the I-th: what several processes or machines do")
    parser.add_argument("--after", type=int, default=0, help="go on after so many combinations")
    parser.add_argument("--most", type=int, help="combinations")
    parser.add_argument("--no-check", action="store_true", help="only search here")
    given = parser.parse_args()
    part, parts = (int(one) for one in given.shard.split("/"))
    asked = in_order(given.seed)[part - 1 :: parts][given.after :][: given.most]
    key = Key(random.Random(given.seed).randbytes(32))
    with tempfile.TemporaryDirectory() as name:
        sys.exit(not tried(Path(name), asked, key, check=not given.no_check))


def in_order(seed: int) -> list[canary_case.Combination]:
    """Give all combinations, those that cover any three options first."""
    first, every = canary_case.covering(3), canary_case.combinations()
    random.Random(seed).shuffle(every)
    others: dict[tuple[object, ...], canary_case.Combination] = {}
    for retain, clean in (*first, *every):
        others.setdefault((retain, *(one for one in clean if one != "pixels")), (retain, clean))
    order = list(dict.fromkeys((*first, *others.values(), *every)))
    many = len({*first, *others.values()})
    told = f"the first {len(first)} have any three in every way, the first {many} every one but for clean pixels"
    print(f"{len(order)} combinations of options: {told}", flush=True)
    return order


def tried(folder: Path, asked: list[canary_case.Combination], key: Key, *, check: bool) -> bool:
    """Try combinations; say whether nothing is left."""
    begun, clean = time.monotonic(), True
    planted = {place: canary_case.planted(folder / place, place) for place in canary_case.PLACES}
    attributes = {canary.tag for one in planted.values() for canary in one.canaries}
    canaries = sum(len(one.canaries) + len(one.words) for one in planted.values())
    print(f"{canaries} canaries, in {len(attributes)} of {len(canary_case.rows())} attributes and around them")
    kept = 0
    for number, (retain, cleaned) in enumerate(asked, 1):
        options = options_of(retain, cleaned)
        for place, one in planted.items():
            wrong = left_by(one, folder / "out", options, key, check=check)
            kept += sum(canary.may_stay([name for name, on in vars(options).items() if on]) for canary in one.canaries)
            if wrong:
                clean = False
                print(f"LEFT at {place} by retain {retain}, clean {cleaned}: {wrong}", flush=True)
        if number % 32 == 0 or number == len(asked):
            told = f"{number * canaries - kept} searches for what must not be there, {kept} may be kept"
            print(f"{number} combinations, {time.monotonic() - begun:.0f} s: {told}", flush=True)
    print("nothing is left" if clean else "SOMETHING IS LEFT")
    return clean


def left_by(one: canary_case.Planted, out: Path, options: Options, key: Key, *, check: bool) -> list[str]:
    """De-identify and search; say what is wrong."""
    try:
        outcome = deidentify([one.folder], out, options, key, check=check, jobs=1)
    except DeidentificationError as error:
        return [f"the check: {error}"]
    except LesionError as error:
        return [f"failed: {error}"]
    canaries, words = one.left(out, options)
    shutil.rmtree(out)
    missing = [] if outcome.count("written") == 4 else [f"{outcome.count('written')} of 4 files written"]
    return [*missing, *(f"{canary.row['tag']} {canary.row['name']}: {canary.text}" for canary in canaries), *words]


if __name__ == "__main__":
    main()

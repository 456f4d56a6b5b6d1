"""What encryption at rest costs a reader: a review with many changes, opened, gone on with, undone, opened again.

    python benchmarks/encrypted_review.py [CHANGES] [RUNS]

Plain and encrypted folders take turns, and the median of their times counts: the journal is on the disk after each
change (fsync), which takes what the disk and its other users let it. Beside it, the processor's time of the same steps.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from fake_scan import make_heatmap, make_volume
from review_scan import CANDIDATES, a_review

from napari_lesion.report.json import load_report, save_report
from napari_lesion.review import edits
from napari_lesion.review.journal import Journal
from napari_lesion.review.kept_heatmap import keep_heatmap, kept_heatmap
from napari_lesion.review.review import provenance, undo
from napari_lesion.security import projects
from napari_lesion.support import vault

AGAIN = 20
STEPS = ("open and go on", "undo", f"open again, {AGAIN} times", "results and heatmap")


Times = list[tuple[float, float]]


def run(folder: Path, changes: int) -> Times:
    """Seconds of each of the steps, by the clock and of the processor."""
    os.environ["NAPARI_LESION_STATE"] = str(folder)
    scan = make_volume()
    path, by = folder / "reviews" / "1.jsonl", provenance("reader")
    times: Times = []

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def lap(begin: tuple[float, float]) -> tuple[float, float]:
        wall, processor = now()
        times.append((wall - begin[0], processor - begin[1]))
        return now()

    begin = now()
    review = a_review(scan)
    journal = Journal(path, scan.series)
    journal.begin(review, by)
    for number in range(changes):
        new = edits.comment(review, review.findings[number % 4].id, f"{number} " + "words " * 20, by)
        journal.record(review, new, by)
        review = new
    begin = lap(begin)
    for _ in range(changes // 4):
        new = undo(review)
        journal.record(review, new, by)
        review = new
    journal.close()
    begin = lap(begin)
    for _ in range(AGAIN):  # one time takes some hundredths of a second, which swing
        journal = Journal(path, scan.series)
        assert journal.recover() == review
        journal.close()
    begin = lap(begin)
    for _ in range(5):
        save_report(review.report, folder / "findings.json")
        assert load_report(folder / "findings.json") == review.report
        keep_heatmap(scan, review.start, make_heatmap(scan, CANDIDATES))
        assert kept_heatmap(scan, review.start) is not None
    lap(begin)
    return times


def main(changes: int = 60, runs: int = 7) -> None:
    """Print the median seconds of each step, plain and encrypted."""
    found: dict[str, list[Times]] = {"plain": [], "encrypted": []}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as work:
        identity, public = projects.make_identity(Path(work) / "identity")
        os.environ[vault.IDENTITY_VARIABLE] = str(identity)
        for number in range(runs):
            for kind in found:
                folder = Path(work) / f"{kind}{number}"
                folder.mkdir()
                if kind == "encrypted":
                    projects.encrypt(folder, [public])
                found[kind].append(run(folder, changes))
    for what, name in enumerate(("clock", "processor")):
        print(f"{name:24}{'plain':>10}{'encrypted':>12}{'ratio':>8}")
        medians = {
            kind: [median(times[step][what] for times in all_) for step in range(len(STEPS))]
            for kind, all_ in found.items()
        }
        rows = [*zip(STEPS, medians["plain"], medians["encrypted"], strict=True)]
        for step, plain, encrypted in [*rows, ("all", sum(medians["plain"]), sum(medians["encrypted"]))]:
            print(f"{step:24}{plain:9.3f}s{encrypted:11.3f}s{encrypted / plain:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

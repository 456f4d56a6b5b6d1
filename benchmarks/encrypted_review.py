"""What encryption at rest costs a reader: a review with many changes, opened, gone on with, undone, opened again.

    python benchmarks/encrypted_review.py [CHANGES] [RUNS]

Plain and encrypted folders take turns; the least time of each counts, since others may use the machine. The journal
is on the disk after each change (fsync), as always.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

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

STEPS = ("open and go on", "undo", "open again", "results and heatmap")


def run(folder: Path, changes: int) -> list[float]:
    """Seconds of each of the steps."""
    os.environ["NAPARI_LESION_STATE"] = str(folder)
    scan = make_volume()
    path, by, times = folder / "reviews" / "1.jsonl", provenance("reader"), []

    def lap(begin: float) -> float:
        times.append(time.perf_counter() - begin)
        return time.perf_counter()

    begin = time.perf_counter()
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


def main(changes: int = 60, runs: int = 5) -> None:
    """Print the least seconds of each step, plain and encrypted."""
    best: dict[str, list[float]] = {"plain": [9e9] * len(STEPS), "encrypted": [9e9] * len(STEPS)}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as work:
        identity, public = projects.make_identity(Path(work) / "identity")
        os.environ[vault.IDENTITY_VARIABLE] = str(identity)
        for number in range(runs):
            for kind in best:
                folder = Path(work) / f"{kind}{number}"
                folder.mkdir()
                if kind == "encrypted":
                    projects.encrypt(folder, [public])
                best[kind] = list(map(min, best[kind], run(folder, changes)))
    print(f"{'step':24}{'plain':>10}{'encrypted':>12}{'ratio':>8}")
    for name, plain, encrypted in zip(STEPS, best["plain"], best["encrypted"], strict=True):
        print(f"{name:24}{plain:9.3f}s{encrypted:11.3f}s{encrypted / plain:8.2f}")
    plain, encrypted = sum(best["plain"]), sum(best["encrypted"])
    print(f"{'all':24}{plain:9.3f}s{encrypted:11.3f}s{encrypted / plain:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

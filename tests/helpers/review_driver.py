"""Reviews a scan until it is killed; says after each change how many are safe. Run by test_journal.py."""

from __future__ import annotations

import sys
from pathlib import Path

from fake_scan import make_volume
from review_scan import a_review

from napari_lesion.review import edits
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import Review, provenance


def main() -> None:
    scan = make_volume()
    review: Review = a_review(scan)
    journal = Journal(Path(sys.argv[1]), scan.series)
    journal.begin(review, provenance("A"))
    for number in range(100_000):
        by = provenance("A")
        id_ = review.findings[number % 4].id
        new = edits.comment(review, id_, f"{number} " + "words " * 200, by)
        journal.record(review, new, by)
        review = new
        print(number + 1, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

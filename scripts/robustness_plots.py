"""Draw the pictures of docs/robustness.md again.

    python scripts/robustness_plots.py [ROBUSTNESS]

The control charts are of a made-up site (benchmarks/drift.py) whose kernel changes at study 101. ROBUSTNESS is the
folder of `napari-lesion robustness` whose plot the page shows.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

import drift as made_up  # noqa: E402

from napari_lesion.evaluation.drift_report import charts_figure  # noqa: E402


def main() -> None:
    """Draw a made-up site, and keep the plot of a bench."""
    images = REPOSITORY / "docs" / "images"
    _, change = made_up.CHANGES["a new kernel in 30 % of them"]
    (watched,) = made_up.streams(100, 200, 1, change, 100)
    charts_figure(watched).savefig(images / "drift.png", dpi=90)
    if len(sys.argv) > 1:
        shutil.copyfile(Path(sys.argv[1]) / "robustness.png", images / "robustness.png")


if __name__ == "__main__":
    main()

"""Draw the plots of docs/evaluation.md again, from results of `napari-lesion analyse --threshold 0.01`.

    python scripts/evaluation_plots.py TRUTH EXCLUDED RESULTS [IMAGES]

They go to docs/images, or to IMAGES.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def main() -> None:
    """Evaluate, and keep the two plots that the page shows."""
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    truth, excluded, results = sys.argv[1:4]
    images = Path(sys.argv[4]) if len(sys.argv) > 4 else REPOSITORY / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as out:
        command = ("evaluate", "--truth", truth, "--excluded", excluded, "--results", results, "-o", out)
        subprocess.run([sys.executable, "-c", "from napari_lesion.cli.main import main; main()", *command], check=True)
        for name in ("froc.png", "froc_by_size.png"):
            shutil.copyfile(Path(out) / name, images / name)


if __name__ == "__main__":
    main()

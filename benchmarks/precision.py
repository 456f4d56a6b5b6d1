"""What bfloat16 does to findings: the same scans searched in float32 and in bfloat16, finding against finding.

    python benchmarks/precision.py CT_FOLDER...

Each finding of float32 with a score over 0.1 is put beside the nearest of bfloat16. The processor must have bfloat16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from napari_lesion.detection.registry import load_detector
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.pipeline import analyse

LEAST_SCORE = 0.1


def main() -> None:
    """Search, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+", metavar="CT_FOLDER")
    parser.add_argument("--model", default="nodule-3d")
    arguments = parser.parse_args()
    exact = load_detector(arguments.model, precision="float32")
    quick = load_detector(arguments.model, precision="bfloat16")
    threshold = exact.card.threshold
    over, differences = np.zeros(2, dtype=int), []
    for series in (one for folder in arguments.scans for one in find_series(folder)):
        volume = read_series(series)
        ours, theirs = (
            analyse(volume, detector=detector, device="cpu", threshold=0, measure=False).report.findings
            for detector in (exact, quick)
        )
        here = np.array([sum(one.score >= threshold for one in found) for found in (ours, theirs)])
        over += here
        print(f"{series.identity.series_uid[-12:]}: float32 {here[0]}, bfloat16 {here[1]} findings", flush=True)
        for finding in (one for one in ours if one.score > LEAST_SCORE):
            apart = [float(np.linalg.norm(np.subtract(finding.center_mm, one.center_mm))) for one in theirs]
            nearest = theirs[int(np.argmin(apart))]
            differences.append(
                (abs(finding.score - nearest.score), min(apart), abs(finding.diameter_mm - nearest.diameter_mm))
            )
    print(f"all: float32 {over[0]}, bfloat16 {over[1]} findings at the threshold of the model")
    score, place, diameter = np.max(differences, axis=0)
    print(f"{len(differences)} findings over {LEAST_SCORE} differ by at most {score:.4f} in score,")
    print(f"{place:.3f} mm in place and {diameter:.3f} mm in diameter")


if __name__ == "__main__":
    main()

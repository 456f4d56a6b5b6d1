"""How many instances a minute are de-identified and checked, and how text in pixels is found.

Run as ``python benchmarks/deidentification.py SCAN [--images N]``: SCAN is a folder of original axial CT; of N made
images, half have text.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_lesion.deidentification import burned_in
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import deidentify

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
TEXTS = (
    "DOE JANE",
    "MRN 4711002",
    "12-Mar-1961",
    "Mercy Hospital",
    "Dr. Zhivago",
    "F 63Y",
    "Acc 20240312-7",
    "Ward 7B",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--images", type=int, default=40)
    given = parser.parse_args()
    speed(given.scan)
    text(given.images)


def speed(scan: Path) -> None:
    """Instances a minute, one process, with the check."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = deidentify([scan], Path(folder) / "out", options_of(["dates-shifted"], ["descriptors"]), Key.new())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    done = outcome.count("written")
    rates = f"{60 * done / wall:.0f} a minute by the clock, {60 * done / cpu:.0f} a minute of one processor"
    print(f"{done} instances: {rates}")


def text(images: int) -> None:
    """Text in made images of 256 x 256 and 512 x 512 pixels: missed, and seen where there is none."""
    rng = np.random.default_rng(0)
    missed = false = with_text = without = 0
    for number in range(images):
        size = (256, 512)[number % 2]
        frame = body(rng, size)
        written = number < images // 2
        if written:
            mark(frame, TEXTS[number % len(TEXTS)], rng, (9, 12, 16, 24)[number // 2 % 4])
        found = bool(burned_in.text_in(frame))
        with_text, without = with_text + written, without + (not written)
        missed, false = missed + (written and not found), false + (not written and found)
    print(f"text: {missed} of {with_text} images with text missed, {false} of {without} without text taken for some")


def body(rng: np.random.Generator, size: int) -> np.ndarray:
    """Make something like an axial slice: HU, noise, ribs, vessels."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    frame = np.where((x / 0.42) ** 2 + (y / 0.32) ** 2 < 1, 40.0, -1000.0)
    for side in (-0.18, 0.18):
        frame[((x - side) / 0.14) ** 2 + (y / 0.22) ** 2 < 1] = -850
    for _ in range(40):
        cx, cy, radius = rng.uniform(-0.35, 0.35), rng.uniform(-0.25, 0.25), rng.uniform(0.004, 0.02)
        frame[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = rng.uniform(-100, 900)
    return (frame + rng.normal(0, 25, frame.shape)).astype(np.int16)


def mark(frame: np.ndarray, words: str, rng: np.random.Generator, height: int) -> None:
    """Burn words into an image, in place."""
    canvas = Image.new("L", frame.shape[::-1])
    font = ImageFont.truetype(str(FONT), height)
    width = int(font.getlength(words))
    place = (
        int(rng.integers(2, max(3, frame.shape[1] - width - 2))),
        int(rng.integers(2, frame.shape[0] - height - 6)),
    )
    ImageDraw.Draw(canvas).text(place, words, font=font, fill=255)
    frame[np.asarray(canvas) > 100] = rng.choice((1500, 3000, 400))


if __name__ == "__main__":
    main()

"""Preprocessing against MONAI's own transforms, side by side in one run.

    python benchmarks/preprocess.py [--slices 300] [--repeat 3]

Prints seconds (the fastest of the repeats), the ratio, the largest difference of values and affine, and what
``prepare`` (find the lungs, resample their box) takes in time and in memory on top of the scan.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from monai.transforms import Compose, Orientationd, ScaleIntensityRanged, Spacingd

from napari_lesion.imaging import lungs
from napari_lesion.imaging.monai_transforms import (
    AXCODES,
    RAS_LABELS,
    pipeline,
    to_metatensor,
)
from napari_lesion.imaging.preprocess import (
    HU_WINDOW,
    canonical,
    coarse_grid,
    prepare,
)
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume, spacing_of

T = TypeVar("T")


def chest(slices: int, step_mm: float = 1.0, pixels: int = 512, pixel_mm: float = 0.7) -> Volume:
    """Make a body with two lungs and noise: as large as a scan, and as much work."""
    rng = np.random.default_rng(0)
    y, x = (np.mgrid[:pixels, :pixels] - (pixels - 1) / 2) * pixel_mm
    texture = rng.normal(0, 60, (8, pixels, pixels)).astype(np.int16)
    voxels = np.empty((slices, pixels, pixels), dtype=np.int16)
    body = (x / 165) ** 2 + (y / 110) ** 2 < 1
    for k in range(slices):
        height = (k / slices - 0.5) * 2.2
        plane = np.where(body, 40, -1000)
        for side in (-1, 1):
            lung = ((x - side * 72) / 58) ** 2 + (y / 85) ** 2 + height**2 < 1
            plane[lung] = -850
            plane[lung & (np.sin(x / 4) + np.sin(y / 5) + np.sin(k / 6) > 2.6)] = 30
        voxels[k] = plane + texture[k % 8]
    half = (pixels - 1) / 2 * pixel_mm
    affine = np.array([[0, 0, pixel_mm, -half], [0, pixel_mm, 0, -half], [step_mm, 0, 0, -300], [0, 0, 0, 1.0]])
    certificate = GeometryCertificate(
        shape=voxels.shape, spacing_mm=spacing_of(affine), orientation="axial", axes="HPL"
    )
    return Volume(voxels, affine, SeriesIdentity(series_uid="1.2.3"), certificate)


def fastest(work: Callable[[], T], repeat: int) -> tuple[float, T]:
    """Give the seconds of the fastest of several runs, and the result."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


def peak_mib() -> float:
    """Give the peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-monai", action="store_true", help="only prepare(), to see its memory")
    arguments = parser.parse_args()
    volume = chest(arguments.slices)
    print(f"{volume.shape} voxels, {volume.voxels.nbytes / 2**20:.0f} MiB, {torch.get_num_threads()} threads")

    before = peak_mib()
    processor = time.process_time()
    seconds, box = fastest(lambda: prepare(volume), arguments.repeat)
    processor = (time.process_time() - processor) / arguments.repeat
    print(f"prepare                     {seconds:6.2f} s ({processor:.2f} s of processor time)")
    print(f"                            box {tuple(box.image.shape)}, {peak_mib() - before:.0f} MiB")
    scan = canonical(volume)
    seconds, (coarse, affine) = fastest(lambda: coarse_grid(scan), arguments.repeat)
    print(f"  of it: 2 mm grid          {seconds:6.2f} s")
    spacing = spacing_of(affine)
    seconds, mask = fastest(lambda: lungs.find_lungs(coarse, spacing), arguments.repeat)
    print(f"  of it: find_lungs         {seconds:6.2f} s")
    seconds, _ = fastest(lambda: lungs.search_region(mask, spacing), arguments.repeat)
    print(f"  of it: search_region      {seconds:6.2f} s")
    if arguments.no_monai:
        return

    orientation = Orientationd("image", axcodes=AXCODES, labels=RAS_LABELS)
    ours = pipeline()
    theirs = Compose(
        [
            orientation,
            Spacingd("image", (1.0,) * 3, mode="bilinear", padding_mode="border"),
            ScaleIntensityRanged("image", *HU_WINDOW, 0.0, 1.0, clip=True),
        ]
    )
    image = to_metatensor(volume.voxels, volume.affine)
    our_time = their_time = float("inf")
    for _ in range(arguments.repeat):  # taking turns, so that a busy machine slows both alike
        seconds, a = fastest(lambda: ours({"image": image})["image"], 1)
        our_time = min(our_time, seconds)
        seconds, b = fastest(lambda: theirs({"image": image})["image"], 1)
        their_time = min(their_time, seconds)
    print(f"whole scan to 1 mm, ours    {our_time:6.2f} s")
    print(f"whole scan to 1 mm, MONAI   {their_time:6.2f} s")
    print(f"ratio                       {our_time / their_time:6.2f}")
    print(f"largest difference          {float((a.as_tensor() - b.as_tensor()).abs().max()):.1e} of values in [0, 1]")
    print(f"                            {float((a.affine - b.affine).abs().max()):.1e} of the affine, mm")


if __name__ == "__main__":
    main()

"""Made images with and without burned-in text, and how many of them the search of pixels takes for what they are.

Run as ``python benchmarks/text_in_pixels.py [--half tuning|held-out] [--images N] [--ct FOLDER]...``. Image n of a
half is the same each time. What the search goes by (levels, sizes) was chosen on the half "tuning"; the numbers of the
guide are those of "held-out", which nobody looked at before. ``--ct`` adds slices of real CT, without text and, every
other one, with text burned in.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pydicom
import scipy
from PIL import Image, ImageDraw, ImageFont

from napari_lesion.deidentification import text_search

Rng = np.random.Generator
Frame = npt.NDArray[Any]
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FACES = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "STIXGeneral.ttf")
HALVES = {"tuning": 1, "held-out": 2}


@dataclass
class Made:
    """One image, as its header and pixels would have it."""

    kind: str
    frame: Frame
    """Stored values, (rows, columns) or (rows, columns, 3)."""
    signal: float
    """Stored value of what is brightest in what was imaged; text may be brighter."""
    window: tuple[float, float] | None = None
    """Centre and width that the header names, in stored values; None: the header names none."""
    inverted: bool = False
    """MONOCHROME1."""
    text: str = ""
    how: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def _ellipse(shape: tuple[int, int], x0: float, y0: float, rx: float, ry: float) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    y, x = y / shape[0] - 0.5, x / shape[1] - 0.5
    return ((x - x0) / rx) ** 2 + ((y - y0) / ry) ** 2 < 1


def _smooth(rng: Rng, shape: tuple[int, int], sigma: float) -> Frame:
    noise = scipy.ndimage.gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return noise / noise.std()


def ct(rng: Rng) -> Made:
    """Axial CT: HU, noise of the scanner, ribs, vessels."""
    size = int(rng.choice((256, 512)))
    shape = size, size
    frame = np.where(_ellipse(shape, 0, 0, 0.42, 0.32), 40.0, -1000.0)
    for side in (-0.18, 0.18):
        frame[_ellipse(shape, side, 0, 0.14, 0.22)] = -850
    for _ in range(40):
        radius = rng.uniform(0.004, 0.02)
        place = _ellipse(shape, rng.uniform(-0.35, 0.35), rng.uniform(-0.25, 0.25), radius, radius)
        frame[place] = rng.uniform(-100, 900)
    frame += rng.uniform(8, 60) * _smooth(rng, shape, float(rng.choice((0.4, 0.8))))
    frame = np.clip(frame, -1024, 3071)
    return Made("CT", frame.round().astype(np.int16), 900, (40, 400) if rng.random() < 0.5 else (-600, 1500))


def scout(rng: Rng) -> Made:
    """Localizer of a CT: a projection in 12 bits."""
    shape = (int(rng.integers(400, 700)), 512)
    y = np.linspace(0, 1, shape[0])[:, None]
    x = np.linspace(-1, 1, shape[1])[None]
    frame = 1400 * np.exp(-((x / (0.55 + 0.1 * np.sin(4 * y))) ** 4))
    frame = frame + 250 * np.exp(-((x / 0.07) ** 2)) * (1 + 0.3 * np.sin(60 * y))
    for k in range(9):
        frame = frame + 120 * np.exp(-(((y - 0.12 - 0.06 * k - 0.12 * np.abs(x)) / 0.008) ** 2)) * (np.abs(x) < 0.6)
    frame = frame + 15 * rng.normal(size=shape)
    return Made("scout", np.clip(frame, 0, 4095).astype(np.uint16), 1900, (700, 1800))


def cr(rng: Rng) -> Made:
    """Radiograph of 12 bits, of either polarity."""
    shape = (int(rng.integers(700, 1100)), int(rng.integers(700, 1100)))
    frame = 1800 + 500 * _smooth(rng, shape, 80)
    for side in (-0.2, 0.2):
        frame -= 700 * scipy.ndimage.gaussian_filter(_ellipse(shape, side, 0, 0.15, 0.3).astype(float), 20)
    y, x = np.mgrid[: shape[0], : shape[1]]
    y, x = y / shape[0] - 0.5, x / shape[1] - 0.5
    for k in range(8):
        frame += 250 * np.exp(-(((y + 0.35 - 0.08 * k - 0.4 * x**2) / 0.008) ** 2)) * (np.abs(x) < 0.38)
    frame += 200 * np.exp(-((x / 0.04) ** 2)) + 40 * rng.normal(size=shape)
    inverted = bool(rng.random() < 0.5)
    frame = np.clip(4095 - frame if inverted else frame, 100, 3900).astype(np.uint16)
    return Made("CR", frame, 3300, (2000, 2600), inverted=inverted)


def mr(rng: Rng) -> Made:
    """MR of 12 bits in 16: structures, a coil's shading, Rician noise."""
    size = int(rng.choice((256, 320, 448)))
    shape = size, size
    frame = np.zeros(shape)
    frame[_ellipse(shape, 0, 0, 0.36, 0.43)] = 500
    frame[_ellipse(shape, 0, 0, 0.33, 0.40)] = 300
    for _ in range(25):
        place = _ellipse(
            shape, rng.uniform(-0.25, 0.25), rng.uniform(-0.3, 0.3), rng.uniform(0.005, 0.06), rng.uniform(0.005, 0.06)
        )
        frame[place] = rng.uniform(100, 900)
    frame *= 1 + 0.15 * _smooth(rng, shape, 60)
    noise = rng.uniform(8, 40)
    frame = np.hypot(frame + noise * rng.normal(size=shape), noise * rng.normal(size=shape))
    return Made("MR", frame.astype(np.uint16), 1100, (450, 900))


def us(rng: Rng) -> Made:
    """Ultrasound: speckle in a sector on black; colour in every third."""
    shape = (480, 640)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    angle, depth = np.arctan2(x - 320, y + 40), np.hypot(x - 320, y + 40)
    sector = (np.abs(angle) < 0.7) & (depth > 90) & (depth < 500)
    speckle = np.hypot(_smooth(rng, shape, 1.2), _smooth(rng, shape, 1.6)) * (40 + 18 * _smooth(rng, shape, 30))
    frame = np.where(sector, np.clip(speckle, 0, 235), 0).astype(np.uint8)
    frame[40:240, 615:625] = np.linspace(235, 0, 200).astype(np.uint8)[:, None]  # the grey bar
    if rng.random() < 0.33:
        frame = np.repeat(frame[..., None], 3, axis=2)
        flow = sector & (_smooth(rng, shape, 14) > 1.6)
        frame[flow] = np.where(rng.random() < 0.5, [200, 40, 20], [20, 60, 210])
        return Made("US colour", frame, 235)
    return Made("US", frame, 235)


def capture(rng: Rng) -> Made:
    """Secondary capture: an image of 8 bits with panels, lines, a curve, a colour bar; in colour every second time."""
    shape = (512, 640)
    frame = np.zeros((*shape, 3), np.uint8)
    frame[:] = rng.integers(0, 60)
    inner = ct(rng).frame.astype(float)
    inner = np.clip((inner + 160) / 400, 0, 1) * 255
    frame[100 : 100 + 256, 60 : 60 + 256] = inner[:256, :256, None]
    for _ in range(6):
        a, b = int(rng.integers(20, 480)), int(rng.integers(20, 600))
        frame[a, 20:600] = rng.integers(60, 200)
        frame[20:480, b] = rng.integers(60, 200)
    xs = np.arange(360, 600)
    ys = (300 - 80 * np.abs(np.sin(xs / rng.uniform(20, 60)))).astype(int)
    for line in range(3):
        frame[ys + line, xs] = (240, 220, 40)
    if rng.random() < 0.5:
        return Made("SC", frame.mean(axis=2).astype(np.uint8), 255)
    return Made("SC colour", frame, 255)


def phantom(rng: Rng) -> Made:
    """Phantom of quality assurance: a cylinder, inserts, wires, bars of lines."""
    shape = 512, 512
    frame = np.where(_ellipse(shape, 0, 0, 0.4, 0.4), 0.0, -1000.0)
    for k in range(8):
        at = k * np.pi / 4
        value = rng.choice((-900, -100, 120, 350, 900))
        frame[_ellipse(shape, 0.25 * np.cos(at), 0.25 * np.sin(at), 0.04, 0.04)] = value
    for k in range(6):
        period = 2 + k
        x0, y0 = 180 + 25 * k, int(rng.integers(230, 290))
        for j in range(4):
            frame[y0 : y0 + 20, x0 + 2 * j * period // 2 : x0 + 2 * j * period // 2 + max(1, period // 2)] = 1200
    frame += rng.uniform(0, 15) * rng.normal(size=shape)
    return Made("phantom", frame.round().astype(np.int16), 1200, (0, 400))


def white_noise(rng: Rng) -> Made:
    """Noise about a bright level."""
    shape = 384, 384
    bits = int(rng.choice((8, 12)))
    top = 2**bits - 1
    frame = np.clip(0.7 * top + rng.uniform(0.03, 0.09) * top * rng.normal(size=shape), 0, top)
    return Made("noise", frame.astype(np.uint8 if bits == 8 else np.uint16), float(np.percentile(frame, 90)))


KINDS: tuple[Callable[[Rng], Made], ...] = (ct, scout, cr, mr, us, capture, phantom, white_noise)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
PLACES = ("corner", "edge", "anywhere")
CONTRASTS = ("extreme", "bright", "medium", "low", "dark")


def words(rng: Rng) -> str:
    """Something that names somebody: made up each time."""
    last = rng.choice(("DOE", "Müller", "NGUYEN", "Zhivago", "O'Neill", "Garcia", "Kowalska", "SMITH", "Rossi", "Li"))
    first = rng.choice(("JANE", "Karl", "Thi", "Yuri", "Maria", "ANNA", "Wei", "J.", "Piotr", "LUCA"))
    number = int(rng.integers(10**5, 10**8))
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1930, 2010))
    return str(
        rng.choice(
            (
                f"{last} {first}",
                f"{last}, {first}",
                f"{last}^{first}",
                f"MRN {number}",
                f"ID: {number}",
                f"{day:02d}.{month:02d}.{year}",
                f"{year}-{month:02d}-{day:02d}",
                f"{day:02d}-{MONTHS[month - 1]}-{year}",
                f"Acc {number}",
                f"{'MF'[number % 2]} {number % 90:02d}Y",
                f"Dr. {last}",
                "Mercy Hospital",
                "St. Anna Klinik",
                f"Ward {number % 20}B",
            )
        )
    )


def burn(made: Made, rng: Rng) -> None:
    """Burn words into an image, in place, as a device or a film does: in a corner or anywhere, of any grey."""
    frame = made.frame
    said = words(rng)
    contrast = str(rng.choice(CONTRASTS, p=(0.35, 0.2, 0.15, 0.15, 0.15)))
    least = 14 if contrast in ("low", "medium") or made.kind == "noise" else 9
    height = int(rng.choice([one for one in (9, 11, 14, 18, 24, 36) if one >= least]))
    soft, turn = bool(rng.random() < 0.4), int(rng.choice((0, 0, 0, 1, 3)))
    face = str(rng.choice(FACES))
    font = ImageFont.truetype(str(FONTS / face), height)
    left, top, right, bottom = font.getbbox(said)
    pad = 2
    canvas = Image.new("L", (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad))
    pen = ImageDraw.Draw(canvas)
    pen.fontmode = "L" if soft else "1"
    pen.text((pad - left, pad - top), said, font=font, fill=255)
    ink = np.rot90(np.asarray(canvas, float) / 255, turn)
    rows, columns = frame.shape[:2]
    if ink.shape[0] > rows - 4 or ink.shape[1] > columns - 4:
        ink = ink[: rows - 4, : columns - 4]
    place = str(rng.choice(PLACES))
    free = rows - ink.shape[0], columns - ink.shape[1]
    at = [int(rng.integers(2, most - 1)) if most > 3 else 1 for most in free]
    if place in ("corner", "edge"):
        at[0] = int(rng.choice((2, free[0] - 2)))
    if place == "corner":
        at[1] = int(rng.choice((2, free[1] - 2)))
    part = (slice(at[0], at[0] + ink.shape[0]), slice(at[1], at[1] + ink.shape[1]))
    below = frame[part].astype(float)
    if below.ndim == 3:
        value: Any = np.asarray(_colour(contrast, rng), float)
        ink = ink[..., None]
    else:
        value = _grey(made, contrast, below, rng)
    mixed = below * (1 - ink) + value * ink
    made.frame[part] = np.clip(np.round(mixed), *_limits(frame.dtype)).astype(frame.dtype)
    turned = f", turned by {90 * turn}" if turn else ""
    made.text, made.how = said, f"{contrast}, {height} px, {place}, {'soft' if soft else 'hard'}, {face[:-4]}{turned}"
    made.extra = {"box": (part[0].start, part[0].stop, part[1].start, part[1].stop), "contrast": contrast}


def _limits(dtype: Any) -> tuple[float, float]:
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)


def _colour(contrast: str, rng: Rng) -> tuple[int, int, int]:
    if contrast == "dark":
        return 130, 130, 130
    return tuple(rng.choice(([255, 255, 255], [255, 255, 0], [0, 255, 0], [255, 160, 0])))  # type: ignore[return-value]


def _grey(made: Made, contrast: str, below: Frame, rng: Rng) -> float:
    """Choose the stored value of text so that somebody can read it in one of the windows that people use."""
    low, high = np.percentile(made.frame, (1, 99))
    span = max(float(high - low), 1.0)
    noise = float(np.std(below - scipy.ndimage.uniform_filter(below, 5)))
    if contrast == "extreme":
        top = {np.dtype(np.uint8): 255, np.dtype(np.int16): 3071}.get(made.frame.dtype, 4095)
        return float(top if not made.inverted or rng.random() < 0.5 else 0)
    if contrast == "bright":
        return min(made.signal * 1.1, _limits(made.frame.dtype)[1])
    level = float(below.mean())
    step = {
        "medium": max(0.5 * span, 8 * noise),
        "low": max(0.2 * span, 5 * noise),
        "dark": -max(0.5 * span, 8 * noise),
    }
    value = level + step[contrast]
    if not low <= value <= max(high, made.signal):
        value = level - step[contrast]
    return float(value)


def images(half: str, count: int) -> Iterator[Made]:
    """Make the images of a half: of each kind as many, the even ones with text."""
    for number in range(count):
        rng = np.random.default_rng((HALVES[half], number))
        made = KINDS[number // 2 % len(KINDS)](rng)
        if rng.random() < 0.4:
            made.window = None
        if number % 2 == 0:
            burn(made, rng)
        yield made


def real(folders: Sequence[Path], count: int) -> Iterator[Made]:
    """Take slices of real CT, every other one with text burned in."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for number in range(count):
        rng = np.random.default_rng((9, number))
        dataset = pydicom.dcmread(files[int(rng.integers(len(files)))])
        frame = dataset.pixel_array
        made = Made("real CT", frame.copy(), float(np.percentile(frame, 99.9)))
        if number % 2 == 0:
            burn(made, rng)
        yield made


def measure(made: Iterator[Made], look: Callable[[Made], bool], show: Path | None) -> None:
    """Count what is missed and what is taken for text, by kind, and print it."""
    counted: Counter[tuple[str, str]] = Counter()
    wall, cpu, number = time.perf_counter(), time.process_time(), 0
    for number, one in enumerate(made, 1):
        found = look(one)
        right = "text" if one.text else "clean"
        counted[one.kind, right] += 1
        if found != bool(one.text):
            counted[one.kind, f"{right}, wrong"] += 1
            print(f"wrong: image {number - 1}: {one.kind}: {one.text!r} {one.how}", flush=True)
            if show is not None:
                np.save(show / f"{number - 1}.npy", one.frame)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    for kind in dict.fromkeys(kind for kind, _ in counted):
        missed, text = counted[kind, "text, wrong"], counted[kind, "text"]
        print(f"{kind}: {missed} of {text} missed, {counted[kind, 'clean, wrong']} of {counted[kind, 'clean']} false")
    all_of = {what: sum(n for (_, one), n in counted.items() if one == what) for _, what in counted}
    print(
        f"all: {all_of.get('text, wrong', 0)} of {all_of.get('text', 0)} with text missed, "
        f"{all_of.get('clean, wrong', 0)} of {all_of.get('clean', 0)} without text taken for some; "
        f"{cpu / number:.2f} s of a processor for an image, {wall / number:.2f} s by the clock"
    )


def wholly(made: Made) -> bool:
    """Search as all that is no original axial CT."""
    windows = []
    if made.window is not None:
        center, width = made.window
        windows = [(center - width / 2, center + width / 2)]
    return bool(text_search.text_in(made.frame, windows, inverted=made.inverted, all_of_it=False))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=tuple(HALVES), default="held-out")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--ct", type=Path, action="append", default=[], help="a folder of real axial CT")
    parser.add_argument("--save-wrong", type=Path)
    given = parser.parse_args()
    if given.ct:
        print("first look, as at original axial CT that does not say whether it has text:")
        measure(real(given.ct, given.images), lambda one: text_search.may_have_text(one.frame), given.save_wrong)
    else:
        measure(images(given.half, given.images), wholly, given.save_wrong)


if __name__ == "__main__":
    main()

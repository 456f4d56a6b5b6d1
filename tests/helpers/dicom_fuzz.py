"""Damage valid DICOM files at random, always the same way for the same seed, and read them.

Only two outcomes are allowed: a volume whose geometry is sound, or a ``LesionError``. Anything else (another exception,
a hang of 20 s, a crash, more than 2 GB of memory) ends the run with the number of the mutant:

    python tests/helpers/dicom_fuzz.py --mutants 20000 --seed 3     # a long run
    python tests/helpers/dicom_fuzz.py --seed 3 --first 711 --mutants 1 --keep /tmp/mutant      # one again, files kept
"""

# ruff: noqa: T201 - a script as well
from __future__ import annotations

import argparse
import faulthandler
import shutil
import struct
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dicom_factory as factory
import numpy as np

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.support.errors import LesionError

SHAPE = (4, 32, 36)
HANG_S = 20
MEMORY_BYTES = 2 * 10**9
Random = np.random.Generator
Files = dict[str, bytes]

# -------------------------------------------------------------------------------------------------------- corpus


def corpus(folder: Path) -> dict[str, Files]:
    """Small valid series of every kind, as bytes by file name."""
    phantom = factory.asymmetric_phantom(shape=SHAPE, noise_hu=60)
    byte = factory.Stored(bits_allocated=8, bits_stored=8, slope=8.0)
    kinds: dict[str, Files] = {}
    for name, syntax in factory.SYNTAXES.items():
        stored = byte if name == "jpeg-baseline" else None
        datasets = [factory.encode(ds, syntax) for ds in factory.ct_slices(phantom, name, stored)]
        factory.write(datasets, folder / name)
    for name, syntax in (("explicit", "explicit"), ("jpeg-ls", "jpeg-ls"), ("jpeg-2000", "jpeg-2000-lossless")):
        ds = factory.encode(factory.enhanced(phantom, f"enhanced {name}"), factory.SYNTAXES[syntax])
        factory.write([ds], folder / f"enhanced-{name}")
    factory.write([factory.enhanced(phantom, "enhanced mr", "MR")], folder / "enhanced-mr")
    factory.write(factory.ct_slices(factory.asymmetric_phantom(shape=SHAPE, tilt_deg=12), "tilted"), folder / "tilted")
    (folder / "zip").mkdir()
    factory.write_zip(folder / "explicit", folder / "zip" / "a.zip")
    factory.write_dicomdir(factory.ct_slices(phantom, "dicomdir"), folder / "dicomdir")
    for kind in sorted(folder.iterdir()):
        kinds[kind.name] = {
            str(file.relative_to(kind)): file.read_bytes() for file in sorted(kind.rglob("*")) if file.is_file()
        }
    return kinds


# ----------------------------------------------------------------------------------------------------- mutations


@dataclass(frozen=True)
class Element:
    """Where one top-level data element lies in the bytes of a file (PS3.5 7.1)."""

    tag: int
    vr: bytes
    start: int
    length_at: int
    length_size: int
    value_at: int
    length: int


_LONG = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UR", b"UT", b"UN")


def elements(data: bytes) -> list[Element]:
    """Top-level elements of a little endian file, as far as they can be followed."""
    found = []
    at = 132
    explicit = True
    while at + 8 <= len(data):
        group, number = struct.unpack_from("<HH", data, at)
        if group > 2 and not (data[at + 4 : at + 6].isalpha() and data[at + 4 : at + 6].isupper()):
            explicit = False
        vr = data[at + 4 : at + 6] if explicit else b""
        if not explicit:
            length_at, size = at + 4, 4
        elif vr in _LONG:
            length_at, size = at + 8, 4
        else:
            length_at, size = at + 6, 2
        length = int.from_bytes(data[length_at : length_at + size], "little")
        value = length_at + size
        found.append(Element(group << 16 | number, vr, at, length_at, size, value, min(length, len(data) - value)))
        if length == 0xFFFFFFFF or value + length > len(data):
            break
        at = value + length
    return found


def _pick(random: Random, data: bytes) -> Element | None:
    known = elements(data)
    return known[int(random.integers(len(known)))] if known else None


def flip_bits(random: Random, data: bytes, other: bytes) -> bytes:
    """Flip 1 to 64 bits anywhere."""
    if not data:
        return random.bytes(8)
    array = np.frombuffer(data, np.uint8).copy()
    where = random.integers(0, len(array), int(2 ** random.integers(0, 7)))
    array[where] ^= (1 << random.integers(0, 8, len(where))).astype(np.uint8)
    return array.tobytes()


def flip_bits_of_header(random: Random, data: bytes, other: bytes) -> bytes:
    """Flip bits before the pixel data."""
    end = data.rfind(b"\xe0\x7f\x10\x00")
    end = len(data) if end < 133 else end
    return data[:132] + flip_bits(random, data[132:end], other) + data[end:]


def flip_bits_of_stream(random: Random, data: bytes, other: bytes) -> bytes:
    """Flip bits in and after the head of the pixel data."""
    start = max(data.rfind(b"\xe0\x7f\x10\x00"), 0)
    return data[:start] + flip_bits(random, data[start:], other)


def truncate(random: Random, data: bytes, other: bytes) -> bytes:
    """Cut the end off."""
    return data[: int(random.integers(0, len(data)))]


def cut_out(random: Random, data: bytes, other: bytes) -> bytes:
    """Remove a piece."""
    at = int(random.integers(0, len(data)))
    return data[:at] + data[at + int(2 ** random.integers(0, 10)) :]


def insert_noise(random: Random, data: bytes, other: bytes) -> bytes:
    """Insert random bytes."""
    at = int(random.integers(0, len(data)))
    return data[:at] + random.bytes(int(2 ** random.integers(0, 10))) + data[at:]


def repeat(random: Random, data: bytes, other: bytes) -> bytes:
    """Write a piece twice."""
    at = int(random.integers(0, len(data)))
    piece = data[at : at + int(2 ** random.integers(0, 10))]
    return data[:at] + piece + data[at:]


def splice(random: Random, data: bytes, other: bytes) -> bytes:
    """Begin like one file and end like one of another kind."""
    return data[: int(random.integers(0, len(data)))] + other[int(random.integers(0, len(other))) :]


def splice_at_pixels(random: Random, data: bytes, other: bytes) -> bytes:
    """Header of one file, pixel data element of another kind."""
    mine, theirs = data.rfind(b"\xe0\x7f\x10\x00"), other.rfind(b"\xe0\x7f\x10\x00")
    return data[:mine] + other[theirs:] if mine > 0 and theirs > 0 else splice(random, data, other)


def change_length(random: Random, data: bytes, other: bytes) -> bytes:
    """Give an element a wrong length."""
    element = _pick(random, data)
    if element is None:
        return truncate(random, data, other)
    choices = (0, 1, element.length + 1, element.length + 2, element.length * 2, 0x7FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF)
    length = int(random.choice(choices)) if random.random() < 0.8 else 0xFFFFFFFF
    length &= (1 << 8 * element.length_size) - 1
    packed = length.to_bytes(element.length_size, "little")
    return data[: element.length_at] + packed + data[element.length_at + element.length_size :]


def change_item_length(random: Random, data: bytes, other: bytes) -> bytes:
    """Give an item (of a sequence, or a fragment) a wrong length."""
    at = [n for n in range(132, len(data) - 8, 2) if data[n : n + 4] == b"\xfe\xff\x00\xe0"]
    if not at:
        return change_length(random, data, other)
    chosen = int(random.choice(at)) + 4
    length = int(random.choice((0, 1, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)))
    return data[:chosen] + length.to_bytes(4, "little") + data[chosen + 4 :]


def swap_tags(random: Random, data: bytes, other: bytes) -> bytes:
    """Exchange the tags of two elements."""
    first, second = _pick(random, data), _pick(random, data)
    if first is None or second is None:
        return cut_out(random, data, other)
    array = bytearray(data)
    array[first.start : first.start + 4] = data[second.start : second.start + 4]
    array[second.start : second.start + 4] = data[first.start : first.start + 4]
    return bytes(array)


def change_vr(random: Random, data: bytes, other: bytes) -> bytes:
    """Give an element another VR."""
    element = _pick(random, data)
    if element is None or not element.vr:
        return insert_noise(random, data, other)
    vr = (b"US", b"DS", b"SQ", b"UN", b"OB", b"FD", b"AT", b"UI", b"ZZ", b"\0\0")[int(random.integers(10))]
    return data[: element.start + 4] + vr + data[element.start + 6 :]


def drop_element(random: Random, data: bytes, other: bytes) -> bytes:
    """Leave an element out."""
    element = _pick(random, data)
    if element is None:
        return cut_out(random, data, other)
    return data[: element.start] + data[element.value_at + element.length :]


#: Elements that decide on size, meaning and place of the pixels, and awkward values for them.
_TEXT_TAGS = (
    0x00200032,
    0x00200037,
    0x00280030,
    0x00281052,
    0x00281053,
    0x00280008,
    0x00180050,
    0x00020010,
    0x00280004,
)
_TEXTS = (
    *(b"", b"0", b"-1", b"nan", b"inf", b"1e400", b"1e-320", b"x", b"\\\\", b"1\\2", b"0\\0\\0", b"1e9\\1e9\\1e9"),
    *(b"1\\0\\0\\1\\0\\0", b"0\\0\\0\\0\\0\\0", b"nan\\0\\0\\0\\1\\0", b"0.7\\0.7\\0\\-0.7\\0.7\\0", b"1e-9\\1e-9"),
    *(b"-1\\-1", b"0\\0", b"1e30\\1e30", b"99999999999999999999", b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.4.90"),
    *(
        b"1.2.840.10008.1.2.5",
        b"1.2.840.10008.1.2.4.70",
        b"1.2.840.10008.1.2",
        b"1.2.840.10008.1.2.2",
        b"PALETTE COLOR",
    ),
)
_NUMBER_TAGS = (0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280002, 0x00280006)
_NUMBERS = (0, 1, 2, 3, 7, 8, 12, 16, 17, 24, 32, 64, 255, 4096, 32768, 65535)


def change_value(random: Random, data: bytes, other: bytes) -> bytes:
    """Give an element of size, meaning or place an awkward value."""
    known = [element for element in elements(data) if element.tag in _TEXT_TAGS + _NUMBER_TAGS]
    if not known:
        return flip_bits_of_header(random, data, other)
    element = known[int(random.integers(len(known)))]
    if element.tag in _NUMBER_TAGS:
        value = int(random.choice(_NUMBERS)).to_bytes(2, "little")
    else:
        value = _TEXTS[int(random.integers(len(_TEXTS)))]
        value += b" " * (len(value) % 2)
    length = len(value).to_bytes(element.length_size, "little")
    return data[: element.length_at] + length + value + data[element.value_at + element.length :]


#: What needs no DICOM.
BLIND: Sequence[Callable[[Random, bytes, bytes], bytes]] = (
    flip_bits,
    truncate,
    cut_out,
    insert_noise,
    repeat,
    splice,
)
MUTATIONS: Sequence[Callable[[Random, bytes, bytes], bytes]] = (
    flip_bits,
    flip_bits_of_header,
    flip_bits_of_stream,
    truncate,
    cut_out,
    insert_noise,
    repeat,
    splice,
    splice_at_pixels,
    change_length,
    change_item_length,
    swap_tags,
    change_vr,
    drop_element,
    change_value,
    change_value,
    change_value,
)


def mutant(kinds: Mapping[str, Files], seed: int, number: int) -> tuple[str, Files]:
    """What was done, and the files of mutant ``number``; one to three changes to one file or, alike, to all."""
    random = np.random.default_rng((seed, number))
    names = sorted(kinds)
    kind = names[number % len(names)]
    files = dict(kinds[kind])
    other = kinds[names[int(random.integers(len(names)))]]
    changes = [MUTATIONS[int(random.integers(len(MUTATIONS)))] for _ in range(int(random.integers(1, 4)))]
    everywhere = random.random() < 0.3
    keys = sorted(files)
    chosen = keys if everywhere else [keys[int(random.integers(len(keys)))]]
    state = int(random.integers(2**32))
    for key in chosen:
        again = np.random.default_rng(state)  # so that all files are changed alike
        for change in changes:
            files[key] = change(again, files[key], next(iter(other.values()))) if files[key] else b""
    what = ", ".join(change.__name__ for change in changes)
    return f"{kind}: {what} in {'all files' if everywhere else chosen[0]}", files


# ----------------------------------------------------------------------------------------------------------- run


def outcome(path: Path, allow_gaps: bool) -> str:
    """Read everything below a path: 'volume', 'nothing', or the kind of error."""
    try:
        index = find_series(path)
        result = "nothing"
        for series in index:
            volume = read_series(series, allow_gaps=allow_gaps)
            if not np.isfinite(volume.affine).all() or abs(np.linalg.det(volume.affine)) < 1e-12:
                raise AssertionError(f"a volume with an unsound affine:\n{volume.affine}")
            if volume.voxels.dtype not in (np.int16, np.float32) or volume.voxels.size == 0:
                raise AssertionError(f"a volume of {volume.voxels.dtype} {volume.voxels.shape}")
            if volume.voxels.dtype == np.float32 and not np.isfinite(volume.voxels).all():
                raise AssertionError("a volume with voxels that are no numbers")
            if volume.certificate.shape != volume.shape:
                raise AssertionError("a volume whose certificate is of another one")
            result = "volume"
    except LesionError as error:
        if not str(error):
            raise AssertionError(f"a {type(error).__name__} that says nothing") from error
        return type(error).__name__
    return result


def main() -> int:
    """Run mutants; exit status 1 at the first that ends in anything but a volume or a ``LesionError``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--mutants", type=int, default=500)
    parser.add_argument("--keep", type=Path, help="write the files of the mutants here and leave them")
    parser.add_argument("--go-on", action="store_true", help="count failures instead of stopping at the first")
    arguments = parser.parse_args()
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    counts: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        kinds = corpus(Path(temporary) / "corpus")
        for number in range(arguments.first, arguments.first + arguments.mutants):
            what, files = mutant(kinds, arguments.seed, number)
            folder = (arguments.keep or Path(temporary)) / f"mutant{number}"
            for name, data in files.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            print(f"seed {arguments.seed} mutant {number}: {what}", end=" → ", flush=True)
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            target = next((folder / name for name in files if name.endswith(".zip")), folder)
            try:
                result = outcome(target, allow_gaps=number % 3 == 0)
            except Exception:
                print("FAILED", flush=True)
                traceback.print_exc()
                failures += 1
                result = "FAILED"
                if not arguments.go_on:
                    return 1
            finally:
                faulthandler.cancel_dump_traceback_later()
            print(result, flush=True)
            counts[result] += 1
            if arguments.keep is None:
                shutil.rmtree(folder)
    print("outcomes:", dict(counts))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""What lies encrypted opens whole or not at all, whatever was done to its bytes."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from napari_lesion.support import sealed
from napari_lesion.support.sealed import UnsealError, seal, seal_line, unseal, unseal_line

KEYS = {1: bytes(range(32))}
CONTENT = bytes(n % 251 for n in range(75))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_CHUNK", 32)


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 64, 75])
def test_what_was_sealed_opens_as_it_was(length: int) -> None:
    content = CONTENT[:length]
    assert length < 31 or content not in seal(content, KEYS)
    assert unseal(seal(content, KEYS), KEYS) == content


def test_nothing_is_sealed_twice_alike() -> None:
    assert seal(CONTENT, KEYS) != seal(CONTENT, KEYS)
    assert seal_line(CONTENT, KEYS) != seal_line(CONTENT, KEYS)


@pytest.mark.parametrize(("close", "open_"), [(seal, unseal), (seal_line, unseal_line)])
def test_every_byte_that_is_flipped_is_noticed(close: Callable[..., bytes], open_: Callable[..., bytes]) -> None:
    content = close(CONTENT, KEYS)
    for place in range(1, len(content)):
        for bit in (1, 128):
            with pytest.raises(UnsealError):
                open_(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :], KEYS)


@pytest.mark.parametrize(("close", "open_"), [(seal, unseal), (seal_line, unseal_line)])
def test_every_length_to_which_it_is_cut_is_noticed(close: Callable[..., bytes], open_: Callable[..., bytes]) -> None:
    content = close(CONTENT, KEYS)
    for length in range(len(content)):
        with pytest.raises(UnsealError):
            open_(content[:length], KEYS)


def test_chunks_that_are_moved_left_out_or_repeated_are_noticed() -> None:
    content = seal(CONTENT, KEYS)
    size = 32 + 16
    header, chunks = content[: -(75 + 3 * 16)], content[-(75 + 3 * 16) :]
    one, two, three = chunks[:size], chunks[size : 2 * size], chunks[2 * size :]
    assert unseal(b"".join((header, one, two, three)), KEYS) == CONTENT
    for parts in ((two, one, three), (one, three), (one, two), (one, one, two, three), (one, two, three, three)):
        with pytest.raises(UnsealError):
            unseal(b"".join((header, *parts)), KEYS)


def test_chunks_of_another_file_are_noticed() -> None:
    first, second = seal(CONTENT, KEYS), seal(CONTENT, KEYS)
    with pytest.raises(UnsealError):
        unseal(first[:-48] + second[-48:], KEYS)


@pytest.mark.parametrize(("close", "open_"), [(seal, unseal), (seal_line, unseal_line)])
def test_another_key_opens_nothing(close: Callable[..., bytes], open_: Callable[..., bytes]) -> None:
    content = close(CONTENT, KEYS)
    with pytest.raises(UnsealError):
        open_(content, {1: os.urandom(32)})
    with pytest.raises(UnsealError, match="key number 1"):
        open_(content, {2: KEYS[1]})
    assert open_(content, {**KEYS, 2: os.urandom(32)}) == CONTENT

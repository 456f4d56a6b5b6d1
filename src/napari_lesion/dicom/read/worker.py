"""The other end of `decode`: a process that decompresses frames until its input ends.

It reads one JSON line a job and answers with one; the bytes themselves lie in a file that both processes map. It may
crash: that is what it is for.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from pathlib import Path

import numpy as np

#: Address space that a decoder may use at most, bytes: a damaged stream must not eat the machine.
MAX_ADDRESS_SPACE = 12 * 2**30


def main() -> None:
    """Serve until standard input closes."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # decoders print; that must not end up among the answers
    _limit_memory()
    from napari_lesion.dicom.read.codecs import FrameFormat, decode_frame

    room: mmap.mmap | None = None
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if "room" in job:
            with Path(job["room"]).open("r+b") as file:
                room = mmap.mmap(file.fileno(), 0)
            answers.write(b"{}\n")
            continue
        assert room is not None  # the first line names it
        try:
            start, length = job["source"]
            form = FrameFormat(**job["format"])
            array = decode_frame(room[start : start + length], form)
            if array.size != form.rows * form.columns:  # fewer would leave another frame's pixels in the shared file
                raise ValueError(f"the decoder returned {array.size} pixels")
            if array.nbytes > job["space"]:
                raise ValueError(f"the compressed image has {array.dtype.itemsize * 8} bits a pixel, the header fewer")
            target = np.frombuffer(room, array.dtype, array.size, job["target"])
            target[:] = array.ravel()
            answer = {"dtype": array.dtype.str}
        except Exception as error:  # whatever a decoder raises becomes a sentence on the other side
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MAX_ADDRESS_SPACE if hard == resource.RLIM_INFINITY else min(MAX_ADDRESS_SPACE, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


if __name__ == "__main__":
    main()

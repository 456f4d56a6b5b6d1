"""Where a study is open: two viewers of one reader, or of two readers of one name, are two seats."""

from __future__ import annotations

import os
import socket
import uuid

import psutil


def new_seat() -> str:
    """Name a seat in this process: no other one has its name, here or on another computer."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}/{uuid.uuid4().hex[:8]}"


def is_gone(seat: str) -> bool:
    """Whether nobody can sit there any more: its process has ended. Of other computers nobody knows."""
    host, _, rest = seat.partition("/")
    number, _, rest = rest.partition("/")
    begun = rest.partition("/")[0]
    if host != socket.gethostname() or not number.isdigit():
        return False
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" != begun
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:  # it is there, and of somebody else
        return False

"""What the SQLite files of this program share: transactions of a connection that several threads use."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def transaction(db: sqlite3.Connection, lock: threading.RLock) -> Iterator[None]:
    """All or nothing, with the lock held; one inside of another is part of it.

    Parameters
    ----------
    db : sqlite3.Connection
        Which begins no transactions by itself (``isolation_level=None``).
    lock : threading.RLock
        What all who use the connection hold meanwhile.
    """
    with lock:
        if db.in_transaction:
            yield
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

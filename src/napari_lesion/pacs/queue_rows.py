"""What lies in the listener's queue: analyses, results on their way, workitems; and the tables that hold them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

VERSIONS = (
    """
CREATE TABLE senders (study_uid TEXT NOT NULL, caller TEXT NOT NULL, PRIMARY KEY (study_uid, caller));
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    study_uid TEXT NOT NULL,
    rule TEXT NOT NULL,
    digest TEXT NOT NULL,
    files TEXT NOT NULL,
    supersedes INTEGER,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    changed REAL NOT NULL,
    UNIQUE (study_uid, rule, digest)
);
CREATE TABLE sends (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id),
    node TEXT NOT NULL,
    path TEXT NOT NULL,
    sop_uid TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (job, node, sop_uid)
);
CREATE INDEX due_jobs ON jobs (state, due);
CREATE INDEX due_sends ON sends (state, due)
""",
    """
CREATE TABLE tasks (
    node TEXT NOT NULL,
    uid TEXT NOT NULL,
    transaction_uid TEXT NOT NULL,
    rule TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    studies TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    since REAL NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node, uid)
)
""",
)
"""What made the tables of each version."""

State = Literal["queued", "analysing", "sending", "done", "failed"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class Job:
    """One analysis of what a study held at one time.

    Attributes
    ----------
    files : tuple of str
        Names below the study's folder.
    supersedes : int, optional
        The job whose results are outdated by this one's.
    created : float
        When it was queued, seconds since 1970.
    """

    id: int
    study_uid: str
    rule: str
    files: tuple[str, ...]
    supersedes: int | None
    state: State
    attempts: int
    reason: str
    created: float


TaskState = Literal["claiming", "fetching", "analysing", "completed", "cancelled", "lost"]
OPEN_TASKS: tuple[TaskState, ...] = ("claiming", "fetching", "analysing")


@dataclass(frozen=True)
class Task:
    """A workitem that we have, or are about to claim.

    Attributes
    ----------
    transaction_uid : str
        By which it is ours; known before it is claimed.
    patient_id : str
        Whose studies those must be; "" where the workitem does not say.
    since : float
        When it was found, seconds since 1970.
    cancel_asked : bool
        Somebody wants it cancelled.
    """

    node: str
    uid: str
    transaction_uid: str
    rule: str
    patient_id: str
    studies: tuple[str, ...]
    state: TaskState = "claiming"
    attempts: int = 0
    since: float = 0.0
    reason: str = ""
    cancel_asked: bool = False


@dataclass(frozen=True)
class Send:
    """One result on its way to one archive; ``since`` is when it was queued (seconds since 1970)."""

    id: int
    job: int
    node: str
    path: Path
    sop_uid: str
    attempts: int
    since: float


def job_of(row: Any) -> Job:
    """Read a row of the analyses."""
    return Job(**{**_values(Job, row), "files": tuple(json.loads(row["files"]))})


def task_of(row: Any) -> Task:
    """Read a row of the workitems."""
    read = {"studies": tuple(json.loads(row["studies"])), "cancel_asked": bool(row["cancel_asked"])}
    return Task(**{**_values(Task, row), **read})


def send_of(row: Any) -> Send:
    """Read a row of the results."""
    return Send(**{**_values(Send, row), "path": Path(row["path"])})


def _values(kind: type[Job | Task | Send], row: Any) -> dict[str, Any]:
    return {one.name: row[one.name] for one in fields(kind)}

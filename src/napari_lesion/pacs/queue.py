"""What the listener has still to do, in SQLite: on the disk before anybody relies on it, and there after a crash."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from napari_lesion.pacs.queue_rows import VERSIONS, Job, Send, State, Task, TaskState, job_of, send_of, task_of
from napari_lesion.support.database import Database

FILE_NAME = "queue.sqlite"


class Queue:
    """The listener's queue; each method is a transaction, and on the disk when it returns.

    Parameters
    ----------
    folder : Path
        On a local disk: SQLite's journal does not work across a network.
    now : callable
        Seconds since 1970.

    Raises
    ------
    ConfigError
        If it cannot be opened, or is of another version.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.path = folder / FILE_NAME
        self._now = now
        self._db = Database(self.path, "the listener's queue", VERSIONS, logged=True)

    def close(self) -> None:
        """Close it; nothing waits to be written."""
        self._db.close()

    # -- what came ----------------------------------------------------------------------------------------------------

    def note_sender(self, study_uid: str, caller: str) -> None:
        """Note who sent something of a study."""
        self._db.do("INSERT OR IGNORE INTO senders VALUES (?, ?)", study_uid, caller)

    def senders(self, study_uid: str) -> set[str]:
        """Who sent something of a study."""
        return {row["caller"] for row in self._db.do("SELECT caller FROM senders WHERE study_uid = ?", study_uid)}

    # -- analyses -----------------------------------------------------------------------------------------------------

    def add_job(self, study_uid: str, rule: str, digest: str, files: Sequence[str]) -> Job | None:
        """Queue an analysis; None where the same files were queued before."""
        now = self._now()
        with self._db.transaction():
            earlier = self._db.do(
                "SELECT id FROM jobs WHERE study_uid = ? AND rule = ? ORDER BY id DESC LIMIT 1", study_uid, rule
            )
            # What waits still for its turn would be outdated before it begins.
            self._db.do(
                "UPDATE jobs SET state = 'done', reason = 'more of the study came', changed = ? "
                "WHERE study_uid = ? AND rule = ? AND state = 'queued' AND digest != ?",
                now,
                study_uid,
                rule,
                digest,
            )
            made = self._db.do(
                "INSERT OR IGNORE INTO jobs (study_uid, rule, digest, files, supersedes, state, due, created, changed) "
                "VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?) RETURNING id",
                study_uid,
                rule,
                digest,
                json.dumps(list(files)),
                earlier[0]["id"] if earlier else None,
                now,
                now,
                now,
            )
        return self.job(made[0]["id"]) if made else None

    def job(self, number: int) -> Job:
        """Give a job by its number."""
        return job_of(self._db.do("SELECT * FROM jobs WHERE id = ?", number)[0])

    def jobs(self) -> list[Job]:
        """List all jobs, the oldest first."""
        return [job_of(row) for row in self._db.do("SELECT * FROM jobs ORDER BY id")]

    def begin_job(self) -> Job | None:
        """Take the oldest job that is due, if any."""
        with self._db.transaction():
            rows = self._db.do(
                "SELECT * FROM jobs WHERE state = 'queued' AND due <= ? ORDER BY created, id LIMIT 1", self._now()
            )
            if not rows:
                return None
            self._set_job(rows[0]["id"], "analysing")
        return self.job(rows[0]["id"])

    def requeue_interrupted(self) -> int:
        """Give back what was being analysed when the program ended; how many that were."""
        now = self._now()
        return len(
            self._db.do(
                "UPDATE jobs SET state = 'queued', due = ?, changed = ? WHERE state = 'analysing' RETURNING id",
                now,
                now,
            )
        )

    def release_job(self, number: int) -> None:
        """Give a job back that was not tried to its end."""
        self._set_job(number, "queued")

    def fail_job(self, number: int, reason: str, again_in_s: float | None) -> None:
        """Note that an analysis failed, and when to try again, if at all."""
        now = self._now()
        state = "failed" if again_in_s is None else "queued"
        self._db.do(
            "UPDATE jobs SET state = ?, attempts = attempts + 1, due = ?, reason = ?, changed = ? WHERE id = ?",
            state,
            now + (again_in_s or 0),
            reason,
            now,
            number,
        )

    def end_job(self, number: int, reason: str, results: Iterable[tuple[str, Path, str]]) -> None:
        """Note what an analysis gave: (archive, file, SOPInstanceUID) of each result that is to be sent."""
        now = self._now()
        with self._db.transaction():
            rows = list(results)
            for node, path, sop_uid in rows:
                self._db.do(
                    "INSERT OR IGNORE INTO sends (job, node, path, sop_uid, due, since) VALUES (?, ?, ?, ?, ?, ?)",
                    number,
                    node,
                    str(path),
                    sop_uid,
                    now,
                    now,
                )
            self._set_job(number, "sending" if rows else "done", reason)

    def earlier(self, job: Job) -> list[Job]:
        """List the jobs that a job supersedes, the latest first."""
        found = []
        while job.supersedes is not None:
            job = self.job(job.supersedes)
            found.append(job)
        return found

    # -- results ------------------------------------------------------------------------------------------------------

    def due_sends(self) -> list[Send]:
        """List the results of one job that are due for one archive."""
        first = self._db.do(
            "SELECT job, node FROM sends WHERE state = 'queued' AND due <= ? ORDER BY due, id LIMIT 1", self._now()
        )
        if not first:
            return []
        rows = self._db.do(
            "SELECT * FROM sends WHERE job = ? AND node = ? AND state = 'queued' ORDER BY id",
            first[0]["job"],
            first[0]["node"],
        )
        return [send_of(row) for row in rows]

    def sent(self, send: Send) -> None:
        """Note that an archive confirmed a result."""
        with self._db.transaction():
            self._db.do("UPDATE sends SET state = 'done', reason = '' WHERE id = ?", send.id)
            left = self._db.do("SELECT state FROM sends WHERE job = ? AND state != 'done'", send.job)
            if not left:
                self._set_job(send.job, "done")

    def not_sent(self, send: Send, reason: str, again_in_s: float | None) -> None:
        """Note that a result did not arrive, and when to try again, if at all."""
        with self._db.transaction():
            self._db.do(
                "UPDATE sends SET state = ?, attempts = attempts + 1, due = ?, reason = ? WHERE id = ?",
                "queued" if again_in_s is not None else "failed",
                self._now() + (again_in_s or 0),
                reason,
                send.id,
            )
            if again_in_s is None:
                self._set_job(send.job, "failed", reason)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state, and how many results wait to be sent."""
        jobs = {row["state"]: row["n"] for row in self._db.do("SELECT state, count(*) AS n FROM jobs GROUP BY state")}
        return {
            **jobs,
            "results to send": self._db.do("SELECT count(*) AS n FROM sends WHERE state = 'queued'")[0]["n"],
        }

    # -- workitems ----------------------------------------------------------------------------------------------------

    def add_task(self, task: Task) -> None:
        """Note a workitem before it is claimed; one that was lost may be tried again."""
        now = self._now()
        self._db.do(
            "INSERT OR REPLACE INTO tasks (node, uid, transaction_uid, rule, patient_id, studies, state, due, since) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            task.node,
            task.uid,
            task.transaction_uid,
            task.rule,
            task.patient_id,
            json.dumps(list(task.studies)),
            task.state,
            now,
            now,
        )

    def tasks(self, node: str) -> list[Task]:
        """List the workitems of a worklist, the first first."""
        return [task_of(row) for row in self._db.do("SELECT * FROM tasks WHERE node = ? ORDER BY since, uid", node)]

    def due_tasks(self) -> list[Task]:
        """List the workitems of which something is to be done now."""
        rows = self._db.do(
            "SELECT * FROM tasks WHERE state IN ('claiming', 'fetching', 'analysing') AND due <= ? ORDER BY due, uid",
            self._now(),
        )
        return [task_of(row) for row in rows]

    def set_task(self, task: Task, state: TaskState, reason: str = "") -> None:
        """Note how far a workitem is."""
        self._db.do(
            "UPDATE tasks SET state = ?, attempts = 0, due = ?, reason = ? WHERE node = ? AND uid = ?",
            state,
            self._now(),
            reason,
            task.node,
            task.uid,
        )

    def delay_task(self, task: Task, reason: str, again_in_s: float) -> None:
        """Note what kept a workitem from going on, and when to try again."""
        self._db.do(
            "UPDATE tasks SET attempts = attempts + 1, due = ?, reason = ? WHERE node = ? AND uid = ?",
            self._now() + again_in_s,
            reason,
            task.node,
            task.uid,
        )

    def request_cancel(self, uid: str) -> None:
        """Note that somebody wants a workitem cancelled."""
        self._db.do("UPDATE tasks SET cancel_asked = 1, due = ? WHERE uid = ?", self._now(), uid)

    def task_counts(self) -> dict[str, int]:
        """How many workitems are in each state."""
        return {row["state"]: row["n"] for row in self._db.do("SELECT state, count(*) AS n FROM tasks GROUP BY state")}

    def drop_job(self, number: int, reason: str) -> None:
        """Give an analysis up that has not begun."""
        self._db.do(
            "UPDATE jobs SET state = 'failed', reason = ?, changed = ? WHERE id = ? AND state = 'queued'",
            reason,
            self._now(),
            number,
        )

    def latest_job(self, study_uid: str, rule: str) -> Job | None:
        """Find the latest analysis of a study by a rule."""
        rows = self._db.do(
            "SELECT * FROM jobs WHERE study_uid = ? AND rule = ? ORDER BY id DESC LIMIT 1", study_uid, rule
        )
        return job_of(rows[0]) if rows else None

    def results_of(self, job: Job) -> list[Path]:
        """List the results of a job that archives have confirmed."""
        rows = self._db.do(
            "SELECT path, min(id) FROM sends WHERE job = ? AND state = 'done' GROUP BY path ORDER BY 2", job.id
        )
        return [Path(row["path"]) for row in rows]

    # -- SQLite -------------------------------------------------------------------------------------------------------

    def _set_job(self, number: int, state: State, reason: str | None = None) -> None:
        self._db.do(
            "UPDATE jobs SET state = ?, reason = coalesce(?, reason), changed = ? WHERE id = ?",
            state,
            reason,
            self._now(),
            number,
        )

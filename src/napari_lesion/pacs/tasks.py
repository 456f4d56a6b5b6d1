"""Work that the listener takes by itself: workitems of a worklist (UPS; IHE AI Workflow), from claim to completion.

Each step is in the queue before it is done, the transaction UID of a claim, too: whatever ends the program, what is
claimed is known as ours at its next start, and comes to its end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.clock import Clock
from napari_lesion.pacs.event_channel import EventChannel
from napari_lesion.pacs.nodes import Nodes
from napari_lesion.pacs.queue import Queue
from napari_lesion.pacs.queue_rows import OPEN_TASKS, Task
from napari_lesion.pacs.records import Query
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.pacs.rules import Listening, Rule, TaskSource
from napari_lesion.pacs.storage import Storage, describe
from napari_lesion.pacs.workitems import RefusedError, Workitems, new_transaction
from napari_lesion.support.errors import Cancelled, LesionError, PacsError

_LOG = logging.getLogger(__name__)
_TICK_S = 0.5
_CANCEL_ASKED = 2
"""Kind of event: somebody asks for the cancellation of a workitem (PS3.4 CC.2.4)."""


class Tasks:
    """Takes workitems, fetches their images, has them analysed, and says what it gave.

    Parameters
    ----------
    settings : Listening
    nodes : Nodes
    queue : Queue
    storage : Storage
        That images come to.
    queue_study : callable
        Has a study that was fetched analysed by a rule; whether anything of it fits.
    notify : callable
        Gets a sentence about what happens; it names workitems and studies by their UIDs, never patients.
    clock : Clock
    stop : threading.Event
        Ends `run`.
    """

    def __init__(
        self,
        settings: Listening,
        nodes: Nodes,
        queue: Queue,
        storage: Storage,
        queue_study: Callable[[str, Rule], bool],
        notify: Callable[[str], None],
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._settings, self._nodes, self._queue, self._storage = settings, nodes, queue, storage
        self._queue_study, self._notify, self._clock, self._stop = queue_study, notify, clock, stop
        self._sources = {source.node: source for source in settings.workitems}
        self._next_look = dict.fromkeys(self._sources, 0.0)
        self._channels: dict[str, EventChannel | None] = {}
        """Of worklists that report what happens; None where they connect to us for that."""
        self._away: set[str] = set()
        self._silent: set[str] = set()
        """Worklists that do not answer, and those that do not report what happens: each is said once."""
        self._woken = threading.Event()

    def run(self) -> None:
        """Work until it is stopped."""
        while not self._stop.is_set():
            if self._woken.is_set():
                self._woken.clear()
                self._next_look = dict.fromkeys(self._sources, 0.0)
            for source in self._sources.values():
                self._guarded(lambda source=source: self._look(source), source.node)  # type: ignore[misc]
            for task in self._queue.due_tasks():
                if self._stop.is_set():
                    break
                self._go_on_with(task)
            self._stop.wait(_TICK_S)
        for node, channel in self._channels.items():
            try:
                self._worklist(node).unsubscribe(self._settings.ae_title)
            except PacsError as error:
                _LOG.warning("%s", error)
            if channel is not None:
                channel.close()

    def note_event(self, uid: str, kind: int, _content: Any) -> None:
        """Take what a worklist reports of a workitem; on a thread of its association or channel."""
        if kind == _CANCEL_ASKED:
            self._queue.request_cancel(uid)
        self._woken.set()

    # -- the worklist -------------------------------------------------------------------------------------------------

    def _worklist(self, node: str) -> Workitems:
        return Workitems(node, self._nodes.node(node), self._settings.local)

    def _guarded(self, what: Callable[[], None], node: str) -> None:
        """Do something with a worklist; where it is away that is said once, and once when it is back."""
        try:
            what()
        except PacsError as error:
            if node not in self._away:
                self._away.add(node)
                self._notify(f"{node}: no work can be taken from there; tried again. {error}")
        except Exception as error:  # an odd answer must not end the service
            _LOG.exception("worklist %s", node)
            if node not in self._away:
                self._away.add(node)
                self._notify(f"{node}: no work can be taken from there ({type(error).__name__}); tried again.")

    def _look(self, source: TaskSource) -> None:
        """Note what can be claimed, what is urgent first, but no more than is to be in hand at once."""
        now = self._clock.steady()
        if now < self._next_look[source.node]:
            return
        self._next_look[source.node] = now + source.every_s
        worklist = self._worklist(source.node)
        found = worklist.scheduled(source.label)
        if source.subscribe:
            self._subscribe(source, worklist)
        if source.node in self._away:
            self._away.discard(source.node)
            self._notify(f"{source.node}: work can be taken from there again.")
        known = {task.uid: task for task in self._queue.tasks(source.node)}
        room = source.at_once - sum(task.state in OPEN_TASKS for task in known.values())
        for one in found:
            if room <= 0:
                break
            if not one.study_uids or (one.uid in known and known[one.uid].state != "lost"):
                continue
            self._queue.add_task(
                Task(source.node, one.uid, new_transaction(), source.rule, one.patient_id, one.study_uids)
            )
            room -= 1

    def _subscribe(self, source: TaskSource, worklist: Workitems) -> None:
        """Have a worklist report what happens, anew where its channel has ended; else it is looked at now and then."""
        channel = self._channels.get(source.node)
        if source.node in self._channels and (channel is None or channel.is_open):
            return
        if channel is not None:
            channel.close()
        try:
            self._channels[source.node] = worklist.subscribe(self._settings.ae_title, self.note_event)
        except PacsError as error:
            if source.node not in self._silent:
                self._silent.add(source.node)
                self._notify(
                    f"{source.node}: does not report what happens; looked at every {source.every_s:g} s. {error}"
                )
            return
        self._silent.discard(source.node)
        self._woken.set()  # for what was scheduled just before

    # -- one workitem -------------------------------------------------------------------------------------------------

    def _go_on_with(self, task: Task) -> None:
        source, rule = self._sources.get(task.node), self._settings.rule(task.rule)
        if source is None:  # no more in the file: nobody is to be asked
            return
        try:
            if rule is None:
                self._cancel(task, "The service has no rule for it any more.")
            elif task.state == "claiming":
                self._claim(task)
            elif task.cancel_asked and self._has_not_begun(task):
                self._cancel(task, "Cancelled as asked.")
                if not rule.on_arrival:
                    self._drop(task)
            elif task.state == "fetching":
                self._fetch(task, source, rule)
            else:
                self._see_how_far(task)
        except Cancelled:
            pass  # stopped; it goes on at the next start
        except RefusedError as error:  # ended or taken over by somebody else: it is not ours any more
            self._queue.set_task(task, "lost", str(error))
            self._notify(f"Workitem {task.uid}: is not ours any more. {error}")
        except LesionError as error:
            self._wait(task, str(error))
        except Exception as error:  # a full disk, an odd answer: the service goes on
            _LOG.exception("workitem %s", task.uid)
            self._wait(task, type(error).__name__)

    def _wait(self, task: Task, reason: str) -> None:
        self._queue.delay_task(task, reason, self._settings.back_off(task.attempts + 1))
        if not task.attempts:
            self._notify(f"Workitem {task.uid}: cannot go on now, and is tried again. {reason}")

    def _claim(self, task: Task) -> None:
        worklist = self._worklist(task.node)
        try:
            worklist.claim(task.uid, task.transaction_uid)
        except RefusedError as error:
            try:  # it may be ours already: the program ended before it could note that
                worklist.report(task.uid, task.transaction_uid, 0, "claimed")
            except RefusedError:
                self._queue.set_task(task, "lost", str(error))
                return
        self._queue.set_task(task, "fetching")
        self._notify(f"Workitem {task.uid}: claimed.")

    def _fetch(self, task: Task, source: TaskSource, rule: Rule) -> None:
        try:
            problem = self._fetched(task, source)
        except PacsError as error:
            problem = str(error)
        if problem:
            if self._clock.wall() - task.since > source.give_up_h * 3600:
                self._cancel(task, "Its images did not come.")
                return
            raise PacsError(problem)
        for study in task.studies:
            if not self._queue_study(study, rule):
                self._cancel(task, "Nothing in its study is of the kind that is analysed.")
                return
        self._worklist(task.node).report(task.uid, task.transaction_uid, 10, "images are there")
        self._queue.set_task(task, "analysing")

    def _fetched(self, task: Task, source: TaskSource) -> str:
        """Fetch the studies of a workitem; say what is missing, if anything."""
        archive = open_archive(self._nodes, source.fetch)
        for study in task.studies:
            there = archive.studies(Query(study_uid=study))
            if task.patient_id and any(one.patient_id.strip() != task.patient_id.strip() for one in there):
                self._cancel(task, "The archive has its study under another PatientID.")
                raise Cancelled  # nothing of it goes on
            owner = there[0].patient_id if there else None
            done = retrieve(archive, study, self._storage, patient_id=owner, progress=self._progress)
            if not done.is_complete:
                count = sum(map(len, done.missing.values()))
                return f"{source.fetch}: {count} of {done.listed} instances of study {study} did not come."
        return ""

    def _progress(self, _done: int, _total: int, _what: str) -> None:
        if self._stop.is_set():
            raise Cancelled

    def _drop(self, task: Task) -> None:
        """Give up what was to be analysed for a workitem only."""
        for study in task.studies:
            job = self._queue.latest_job(study, task.rule)
            if job is not None:
                self._queue.drop_job(job.id, "its workitem was cancelled")

    def _has_not_begun(self, task: Task) -> bool:
        jobs = [self._queue.latest_job(study, task.rule) for study in task.studies]
        return all(job is None or job.state == "queued" for job in jobs)

    def _see_how_far(self, task: Task) -> None:
        jobs = [self._queue.latest_job(study, task.rule) for study in task.studies]
        known = [job for job in jobs if job is not None]
        if any(job.state == "failed" for job in known) or len(known) < len(jobs):
            self._cancel(task, "Its images could not be analysed, or the results not be sent.")
        elif all(job.state == "done" for job in known):
            results = [describe(path) for job in known for path in self._queue.results_of(job)]
            worklist = self._worklist(task.node)
            worklist.complete(task.uid, task.transaction_uid, results)
            self._queue.set_task(task, "completed")
            self._notify(f"Workitem {task.uid}: completed, with {len(results)} results.")

    def _cancel(self, task: Task, reason: str) -> None:
        self._worklist(task.node).cancel(task.uid, task.transaction_uid, reason)
        self._queue.set_task(task, "cancelled", reason)
        self._notify(f"Workitem {task.uid}: cancelled. {reason}")

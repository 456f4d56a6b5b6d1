"""The service behind ``napari-lesion listen``: studies come, are analysed by rules, and results go back.

What was acknowledged is on the disk, and what is to be done is in the queue, so that the program may end at any moment.
"""

from __future__ import annotations

import errno
import logging
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psutil
import pydicom

from napari_lesion.pacs import analysis
from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.clock import REAL, Clock
from napari_lesion.pacs.metrics import TEXT_FORMAT, Counts, Metric, exposition
from napari_lesion.pacs.nodes import Nodes
from napari_lesion.pacs.queue import Queue
from napari_lesion.pacs.queue_rows import STATES, Job, Send
from napari_lesion.pacs.receiver import Receiver
from napari_lesion.pacs.rules import ANYBODY, Arrived, Listening, Rule
from napari_lesion.pacs.send import check_study
from napari_lesion.pacs.storage import DAMAGED, ENDING, Storage, describe, private_folder
from napari_lesion.pacs.tasks import Tasks
from napari_lesion.pacs.web import Pages, Storing, WebServer, as_json
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May
from napari_lesion.security.web import Guard
from napari_lesion.support.atomic import PRIVATE_FOLDER
from napari_lesion.support.checksums import lines_sha256
from napari_lesion.support.errors import Cancelled, ConfigError, LesionError
from napari_lesion.support.nameless import place_of, short_hash, trace
from napari_lesion.support.vault import open_file

_LOG = logging.getLogger(__name__)

INBOX, JOBS = "inbox", "jobs"
"""Folders of studies that came, and of what was done with them, by number of the job."""
_TRIES = 3
"""Of an analysis that crashed; then it is left alone, with the reason."""
_TICK_S = 0.5
_TAGS = ("Modality", "BodyPartExamined", "SeriesDescription", "StudyDescription")


class Listener:
    """Receives, analyses, sends back.

    Parameters
    ----------
    settings : Listening
    nodes : Nodes
        Archives that rules send to.
    notify : callable
        Gets a sentence about what happens; it names studies by their UIDs, never patients.
    clock : Clock
    """

    def __init__(self, settings: Listening, nodes: Nodes, notify: Callable[[str], None], clock: Clock = REAL) -> None:
        self._settings, self._nodes, self._notify, self._clock = settings, nodes, notify, clock
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        """When the last instance of a study came, of those of which it is not known that they are complete."""
        self._noted: set[tuple[str, str]] = set()
        self._down: dict[str, float] = {}
        """Archives that do not answer, and since when (seconds since 1970)."""
        private_folder(settings.folder)
        self._counts = Counts()
        self._workers: list[threading.Thread] = []
        self._storage = Storage(settings.folder / INBOX)
        self._queue = Queue(settings.folder, clock.wall)
        self._tasks = Tasks(settings, nodes, self._queue, self._storage, self._queue_fetched, notify, clock, self._stop)

    def run(self) -> None:
        """Listen until `stop`; then what is on its way comes to its end, and what is not done stays in the queue.

        Raises
        ------
        ConfigError
            If another listener has the folder, or the address cannot be used.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self._settings.folder / ".listening.lock", mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise ConfigError(f"{self._settings.folder}: another listener works there.") from error
        try:
            self._storage.clear_away()
            if count := self._queue.requeue_interrupted():
                self._notify(f"{count} analyses were interrupted, and begin again.")
            self._look_at_the_inbox()
            callers = () if ANYBODY in self._settings.callers else self._settings.callers
            on_event = self._tasks.note_event if any(source.subscribe for source in self._settings.workitems) else None
            receiver = Receiver(
                self._settings.local, callers, self._receive, on_event=on_event, limits=self._settings.limits
            )
            work = (self._analyse, self._send, *((self._tasks.run,) if self._settings.workitems else ()))
            threads = self._workers = [threading.Thread(target=one) for one in work]
            with ExitStack() as doors:
                for server in self._web():
                    doors.enter_context(server)
                doors.enter_context(receiver)
                for thread in threads:
                    thread.start()
                local = self._settings.local
                self._notify(f"{local.ae_title} listens at {local.address}:{local.port}.")
                try:
                    while not self._stop.wait(_TICK_S):
                        self._complete()
                except KeyboardInterrupt:  # Ctrl-C and SIGTERM: asked to stop
                    pass
                finally:
                    self._stop.set()
            for thread in threads:
                thread.join()
        finally:
            self._queue.close()
            lock.release()
        self._notify("Stopped; what was not done goes on at the next start.")

    def stop(self) -> None:
        """Ask it to stop; `run` returns soon."""
        self._stop.set()

    # -- receiving ----------------------------------------------------------------------------------------------------

    def _web(self) -> Iterator[WebServer]:
        """Make the servers that are configured: STOW-RS, and how we are."""
        limits, stow, monitor = self._settings.limits, self._settings.stow, self._settings.monitor
        if stow is not None:
            token = stow.token.reveal() if stow.token is not None else None
            pages = Pages(storing=Storing(self._receive, stow.sender, token, limits.instance_bytes))
            yield WebServer(
                stow.address,
                stow.port,
                pages,
                timeout_s=limits.timeout_s,
                connections=limits.associations,
                tls=stow.tls,
            )
        if monitor is not None:
            pages = Pages(
                {"/health": self._health, "/metrics": self._metrics},
                needs={"/health": None, "/metrics": May.SEE_RUNS},
                guard=Guard(),
            )
            yield WebServer(monitor.address, monitor.port, pages, timeout_s=10.0, connections=8)

    def _receive(self, content: bytes, caller: str) -> None:
        """Take an instance, or raise why not; on a thread of who sends it."""
        try:
            if self._free_bytes() < self._settings.free_gb * 2**30:
                raise OSError(errno.ENOSPC, "less is free than is to be left")
            self._keep(content, caller)
        except BaseException:
            self._counts.add("refused")
            raise

    def _keep(self, content: bytes, caller: str) -> None:
        """Put an instance on the disk, with who sent it."""
        instance, new = self._storage.keep(content)
        self._counts.add("new" if new else "known")
        noted = (instance.study_uid, caller)
        if noted not in self._noted:
            record(
                Action.RECEIVE, patient_id=instance.patient_id, study_uid=instance.study_uid, detail=f"from {caller}"
            )
            self._queue.note_sender(*noted)
        with self._lock:
            self._noted.add(noted)
            if new:
                self._last[instance.study_uid] = self._clock.steady()

    def _look_at_the_inbox(self) -> None:
        """Take up what came before the program ended: all studies are looked at once, in their own time."""
        now, today = self._clock.steady(), self._clock.wall()
        for folder in self._storage.folder.iterdir():
            times = [path.stat().st_mtime for path in folder.glob(f"*/*{ENDING}")]
            if times:
                self._last[folder.name] = now - max(today - max(times), 0.0)

    # -- analyses -----------------------------------------------------------------------------------------------------

    def _complete(self) -> None:
        """Queue what has not grown for a while."""
        with self._lock:
            limit = self._clock.steady() - self._settings.stable_s
            ready = [study for study, last in self._last.items() if last <= limit]
            for study in ready:
                del self._last[study]
            self._noted = {noted for noted in self._noted if noted[0] in self._last}
        for study in ready:
            try:
                self._queue_study(study)
            except Exception as error:  # one odd study must not end the service; it is looked at again
                _LOG.error("study %s could not be looked at\n%s", short_hash(study), trace(error))
                self._notify(f"Study {study}: could not be looked at ({type(error).__name__}); tried again later.")
                with self._lock:
                    self._last.setdefault(study, self._clock.steady())

    def _queue_study(self, study: str) -> None:
        senders = self._queue.senders(study)
        for rule in self._settings.rules:
            if rule.on_arrival:
                self._queue_by(rule, study, senders)

    def _queue_fetched(self, study: str, rule: Rule) -> bool:
        """Queue what was fetched for a workitem; whether any of it fits the rule, whoever sent it once."""
        with self._lock:  # other rules look at it, too, as at all that comes
            self._last[study] = self._clock.steady()
        return self._queue_by(rule, study, rule.sender)

    def _queue_by(self, rule: Rule, study: str, senders: Iterable[str]) -> bool:
        folder = self._storage.folder / study
        series = {one.name: _arrived(one) for one in sorted(folder.iterdir()) if one.is_dir()}
        wanted = [name for name, one in series.items() if one is not None and rule.fits(one, senders)]
        files = sorted(
            f"{name}/{path.name}"
            for name in wanted
            for path in (folder / name).glob(f"*{ENDING}")
            if not path.name.startswith(".")
        )
        if not files:
            return False
        digest = lines_sha256(files)
        job = self._queue.add_job(study, rule.name, digest, files)
        if job is not None:
            more = " (more of it came)" if job.supersedes is not None else ""
            self._notify(f"Study {study}: {len(files)} instances for rule {rule.name}{more}.")
        return True

    def _analyse(self) -> None:
        while not self._stop.is_set():
            job = self._queue.begin_job()
            if job is None:
                self._stop.wait(_TICK_S)
                continue
            rule = self._settings.rule(job.rule)
            try:
                if rule is None:
                    self._queue.fail_job(job.id, f"There is no rule {job.rule} any more.", None)
                    continue
                self._analyse_job(job, rule)
            except Cancelled:
                self._queue.release_job(job.id)
            except Exception as error:  # a full disk, a damaged result: the service goes on
                _LOG.error("study %s: analysis failed\n%s", short_hash(job.study_uid), trace(error))
                self._failed(job, str(error) if isinstance(error, LesionError) else place_of(error))

    def _analyse_job(self, job: Job, rule: Rule) -> None:
        folder = self._folder(job)
        outcome = analysis.analyse(
            self._storage.study_folder(job.study_uid),
            job.files,
            folder,
            kinds=rule.kinds,
            model=rule.model,
            limit_s=self._settings.analysis_s,
            stop=self._stop,
        )
        if not outcome.is_final:
            self._failed(job, outcome.reason)
            return
        results = analysis.results_in(folder, rule.kinds)
        if outcome.status and not results:
            self._queue.fail_job(job.id, outcome.reason, None)
            self._notify(f"Study {job.study_uid}: not analysed. {outcome.reason}")
            return
        for (series, kind), path in results.items():
            earlier = [analysis.results_in(self._folder(one), ("sr",)) for one in self._queue.earlier(job)]
            outdated = [found[series, "sr"] for found in earlier if (series, "sr") in found]
            if kind == "sr" and outdated:
                analysis.name_predecessors(path, outdated)
        sends = [
            (node, path, describe(path).sop_uid)
            for (_, kind), path in results.items()
            for node in rule.send
            if kind in rule.kinds_for(node)
        ]
        self._queue.end_job(job.id, outcome.reason, sends)
        said = (
            f"analysed; {len(sends)} results to send." if results else f"gave no results; see {folder / analysis.LOG}."
        )
        self._notify(f"Study {job.study_uid}: {said}")

    def _failed(self, job: Job, reason: str) -> None:
        last = job.attempts + 1 >= _TRIES
        self._queue.fail_job(job.id, reason, None if last else self._settings.back_off(job.attempts + 1))
        tried = f"failed {_TRIES} times, and is left alone" if last else "failed, and is tried again"
        self._notify(f"Study {job.study_uid}: its analysis {tried}. {reason}")

    def _folder(self, job: Job) -> Path:
        folder = self._settings.folder / JOBS / f"{job.id:06d}"
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        return folder

    # -- how we are ---------------------------------------------------------------------------------------------------

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._settings.folder).free

    def _health(self) -> tuple[int, str, str]:
        """Whether everything works that is to work; an archive that is away is its own affair."""
        problems = []
        if not all(worker.is_alive() for worker in self._workers):
            problems.append("a worker has ended")
        if self._free_bytes() < self._settings.free_gb * 2**30:
            problems.append("the disk is full")
        return as_json(503 if problems else 200, {"status": "; ".join(problems) or "ok"})

    def _metrics(self) -> tuple[int, str, str]:
        counts = self._queue.counts()
        waiting = counts.pop("results to send")
        with self._lock:
            growing = len(self._last)
        down = dict(self._down)
        nodes = {node for rule in self._settings.rules for node in rule.send}
        metrics = (
            Metric(
                "instances_total",
                "counter",
                "Instances that came since the start, by what became of them.",
                {(name,): self._counts[name] for name in ("new", "known", "refused")},
                ("outcome",),
            ),
            Metric("studies_growing", "gauge", "Studies that may not be complete yet.", {(): growing}),
            Metric(
                "analyses",
                "gauge",
                "Analyses by their state, all that the queue knows.",
                {(state,): counts.get(state, 0) for state in STATES},
                ("state",),
            ),
            Metric("results_waiting", "gauge", "Results that are to be sent.", {(): waiting}),
            Metric(
                "archive_up",
                "gauge",
                "Whether an archive took what was last sent there.",
                {(node,): node not in down for node in sorted(nodes)},
                ("node",),
            ),
            Metric("disk_free_bytes", "gauge", "Free on the disk of the folder.", {(): self._free_bytes()}),
            Metric("memory_bytes", "gauge", "Resident memory.", {(): psutil.Process().memory_info().rss}),
        )
        return 200, TEXT_FORMAT, exposition(metrics)

    # -- results ------------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        while not self._stop.is_set():
            sends = self._queue.due_sends()
            if not sends:
                self._stop.wait(_TICK_S)
                continue
            try:
                failed = self._send_to(sends)
            except LesionError as error:
                failed = {one.sop_uid: str(error) for one in sends}
            except Exception as error:
                _LOG.error("job %d: sending failed\n%s", sends[0].job, trace(error))
                failed = {one.sop_uid: place_of(error) for one in sends}
            self._note(sends, failed)

    def _send_to(self, sends: list[Send]) -> Mapping[str, str]:
        """Send the results of one job to one archive, but for what is there already; say what did not arrive."""
        archive = open_archive(self._nodes, sends[0].node)
        instances = [describe(one.path) for one in sends]
        for study_uid in {one.study_uid for one in instances}:
            named = {one.patient_id for one in instances if one.study_uid == study_uid}
            check_study(archive, study_uid, named)
        there: set[str] = set()
        for study_uid, series_uid in {(one.study_uid, one.series_uid) for one in instances}:
            there |= set(archive.instances(study_uid, series_uid))
        new = [one for one in instances if one.sop_uid not in there]
        return archive.store(new).failed if new else {}

    def _note(self, sends: list[Send], failed: Mapping[str, str]) -> None:
        node, study = sends[0].node, self._queue.job(sends[0].job).study_uid
        for one in sends:
            reason = failed.get(one.sop_uid)
            if reason is None:
                self._queue.sent(one)
                continue
            given_up = self._clock.wall() - one.since > self._settings.give_up_h * 3600
            again = None if given_up else self._settings.back_off(one.attempts + 1)
            self._queue.not_sent(one, reason, again)
            if given_up:
                self._notify(f"Study {study}: {one.path} was not sent to {node}, and nobody tries any more. {reason}")
        if len(failed) < len(sends):
            arrived = len(sends) - len(failed)
            self._notify(f"Study {study}: {arrived} results are in {node}, as it confirms.")
            if (since := self._down.pop(node, None)) is not None:
                self._notify(f"{node}: takes results again, after {self._clock.wall() - since:.0f} s.")
        elif node not in self._down:
            self._down[node] = self._clock.wall()
            self._notify(f"{node}: takes no results; they are kept, and tried again. {next(iter(failed.values()))}")


def _arrived(folder: Path) -> Arrived | None:
    """Read what rules look at from a file of a series; None where there is none that can be read."""
    for path in sorted(folder.glob(f"*{ENDING}")):
        try:
            with open_file(path)[0] as file:
                found = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
            values = [str(found.get(tag) or "").strip(" \0") for tag in _TAGS]
        except (OSError, *DAMAGED):
            continue
        return Arrived(*values)
    return None

"""Processes that analyse: warm, for the model is loaded once; and expendable, for a crash costs one series."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import signal
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO

import psutil

from napari_lesion.batch.messages import Begin, Doing, Logged, Ready, Refused, read, write
from napari_lesion.batch.series import Ended, Task
from napari_lesion.detection.choice import DetectorChoice
from napari_lesion.models.card import Card, Detector
from napari_lesion.support.errors import ConfigError, LesionError, OptionError
from napari_lesion.support.patience import Patience
from napari_lesion.support.processors import environment_with, start_python

_START = "from napari_lesion.batch.child import main; main({parent})"
_LOOK_EVERY_S = 0.2
_READY_WITHIN_S = 600.0
_LAST_WORDS = 400
"""Letters at most of what a process wrote before it ended."""


@dataclass(frozen=True)
class Limits:
    """What an analysis may take.

    Attributes
    ----------
    seconds : float
        For one series, as `support.patience` counts them: who does nothing for so long hangs, who computes for longer
        does not end.
    memory_mb : float
        Of its process, MiB; where it is analysed alone, of as many together as there are.
    recycle : int
        A process is replaced by a new one after so many series, and where it still holds half of ``memory_mb`` then.
    processors : int
        Of each process.
    """

    seconds: float
    memory_mb: float
    recycle: int
    processors: int


@dataclass(frozen=True)
class Lost:
    """A series that was lost with its process.

    Attributes
    ----------
    reason : str
        A sentence.
    exit_code : int, optional
        Below 0 the signal that ended it.
    is_its_own : bool
        Whether it was the series's doing, as far as one can say: not where a whole computer went.
    """

    reason: str
    exit_code: int | None = None
    peak_memory_mb: float | None = None
    seconds: float | None = None
    is_its_own: bool = True


class NotStartedError(ConfigError):
    """A process ended, or was ended, while it loaded the model."""


def begin_with(detector: Detector | DetectorChoice, device: str) -> Begin:
    """Describe what a process loads.

    Raises
    ------
    OptionError
        If the detector cannot be sent to another process.
    """
    try:
        return Begin(pickle.dumps(detector), device)
    except Exception as error:  # whatever a stranger's class does
        raise OptionError(
            f"This detector cannot be sent to another process ({error}). Name an installed model, or use this one."
        ) from error


class Child:
    """One process that analyses; started when it is made, ready when `card` is asked for.

    Its methods are for one thread, but for `doing`, which any may read, and `kill`, which any may call.
    """

    def __init__(self, begin: Begin, limits: Limits) -> None:
        self._limits = limits
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        line = _START.format(parent=os.getpid())
        self._process = start_python(
            line, environment_with(limits.processors), stderr=self._log, start_new_session=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests: IO[bytes] = self._process.stdin
        self._answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        listening = (self._process.stdout, self._answers)
        threading.Thread(target=_listen, args=listening, name="napari-lesion analysis", daemon=True).start()
        self._card: Card | None = None
        self.doing = Doing(0, 1, "loading the model")
        """What it does now."""
        self.analysed = 0
        """How many series it has analysed."""
        with suppress(OSError):
            write(self._requests, begin)

    @property
    def card(self) -> Card:
        """Card of the detector that it has loaded.

        Raises
        ------
        LesionError
            If it could not be loaded.
        NotStartedError
            If the process ended meanwhile: another one may do better.
        """
        if self._card is None:
            answer = self._answer(_READY_WITHIN_S, self._limits.memory_mb)
            if isinstance(answer, Refused):
                self.kill()
                if isinstance(answer.error, LesionError):
                    raise answer.error
                raise ConfigError(f"The model cannot be loaded: {answer.error}") from answer.error
            if not isinstance(answer, Ready):
                lost = answer if isinstance(answer, Lost) else self._lost("", None)
                raise NotStartedError(f"A process that analyses cannot be started. {lost.reason}")
            self._card = answer.card
        return self._card

    def analyse(self, task: Task, memory_mb: float) -> Ended | Lost:
        """Analyse a series with so much memory at most, or say how the process was lost with it."""
        begun = time.monotonic()
        self.doing = Doing(0, 1, "starting")
        with suppress(OSError):  # a process that is gone is noticed where its answer is missing
            write(self._requests, task)
        answer = self._answer(self._limits.seconds, memory_mb)
        self.analysed += 1
        if isinstance(answer, Ended):
            return answer
        lost = answer if isinstance(answer, Lost) else self._lost("", None)
        return replace(lost, seconds=time.monotonic() - begun)

    @property
    def is_worn(self) -> bool:
        """Whether it shall be replaced before the next series."""
        if self._process.poll() is not None or self.analysed >= self._limits.recycle:
            return True
        return self._memory_mb() > self._limits.memory_mb / 2

    def kill(self) -> None:
        """End the process and all that it started: decoders, too."""
        with suppress(ProcessLookupError, PermissionError):
            if self._process.poll() is not None:
                return
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and give back what it had here."""
        self.kill()
        with suppress(OSError):
            self._requests.close()
        self._log.close()

    def _answer(self, limit_s: float, memory_mb: float) -> object:
        """Wait for an answer that ends something; a process that takes too long or too much is ended."""
        most, patience = 0.0, Patience(self._process.pid, limit_s)
        while True:
            try:
                answer = self._answers.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                held = self._memory_mb()
                most = max(most, held)
                if held > memory_mb:
                    self.kill()
                    return self._lost(f"It needed more than {memory_mb:.0f} MiB of memory.", most)
                if too_long := patience.exceeded():
                    self.kill()
                    return self._lost(too_long, most)
                continue
            if isinstance(answer, Doing):
                self.doing = answer
                patience.note(answer)
                if too_long := patience.exceeded():
                    self.kill()
                    return self._lost(too_long, most)
            elif isinstance(answer, Logged):
                text = f"{answer.text}\n{answer.trace}" if answer.trace else answer.text
                logging.getLogger(answer.name).log(answer.level, "%s", text)
            elif answer is None:
                return self._lost("", most)
            else:
                return answer

    def _lost(self, reason: str, most: float | None) -> Lost:
        code = self._process.wait()
        if not reason:
            reason = f"Its process ended with status {code}."
            if code < 0:
                name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
                memory = (
                    f": most likely memory ran out ({most:.0f} MiB at last)" if code == -signal.SIGKILL and most else ""
                )
                reason = f"Its process was ended by {name}{memory}."
            if words := self._last_words():
                reason += f" It said: {words}"
        return Lost(reason, code, most or None)

    def _last_words(self) -> str:
        """Give what the process wrote at last, on one line; of a crash, what Python says of it."""
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").split("Fatal Python error:")
        text = f"Fatal Python error:{said[-1]}" if len(said) > 1 else said[0][-_LAST_WORDS:]
        return " ".join(text.split())[:_LAST_WORDS]

    def _memory_mb(self) -> float:
        try:
            return float(psutil.Process(self._process.pid).memory_info().rss) / 2**20
        except psutil.Error:
            return 0.0


def _listen(answers: IO[bytes], to: queue.SimpleQueue[object]) -> None:
    """Move answers to a queue, which can be waited for with a time limit on every platform."""
    try:
        with answers:
            while (answer := read(answers)) is not None:
                to.put(answer)
    finally:
        to.put(None)

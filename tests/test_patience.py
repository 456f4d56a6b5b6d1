"""When work in another process has had its time: by what it does, however busy the computer is."""

from __future__ import annotations

import subprocess
import sys
from itertools import count

import pytest

from napari_lesion.support.patience import LONGEST, Patience, Processors

LIMIT_S = 10.0
STEP_S = 0.5
BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r} + 'print(1, flush=True); input()'])"


class Computer:
    """A clock, and processors of which a process gets a share."""

    def __init__(self) -> None:
        self.now = self.used = 0.0
        self.patience = Patience(0, LIMIT_S, clock=lambda: self.now, used=lambda: self.used)

    def wait(self, share: float, *, said: object = None, step_s: float = STEP_S) -> str:
        """Let time pass, in which the process uses a share of a processor and perhaps reports something."""
        self.now += step_s
        self.used += share * step_s
        if said is not None:
            self.patience.note(said)
        return self.patience.exceeded()

    def ends(self, share: float, said=lambda _: None, most_s: float = 1000.0) -> tuple[str, float]:
        """Go on until its time is up, or nothing was said for so long."""
        for step in count():
            if (why := self.wait(share, said=said(step))) or self.now >= most_s:
                return why, self.now
        raise AssertionError("counts for ever")


@pytest.mark.parametrize("share", [0.0, 0.002])
def test_who_sleeps_hangs_after_the_limit(share):
    assert Computer().ends(share) == (f"It did nothing for {LIMIT_S:.0f} s.", LIMIT_S + STEP_S)


def test_who_says_the_same_over_and_over_hangs_as_well():
    assert Computer().ends(0.0, lambda _: "searching")[1] <= LIMIT_S + 2 * STEP_S


def test_who_computes_has_the_limit_on_a_computer_of_its_own():
    assert Computer().ends(1.0) == (f"It computed for {LIMIT_S:.0f} s and did not end.", LIMIT_S + STEP_S)
    assert Computer().ends(4.0)[1] == LIMIT_S + STEP_S


def test_who_waits_for_a_processor_is_spared_and_an_endless_loop_is_not():
    """At a load of 14 on two processors each has a seventh of one."""
    computer = Computer()
    assert computer.ends(1 / 7, most_s=6 * LIMIT_S) == ("", 6 * LIMIT_S)
    why, when = computer.ends(1 / 7)
    assert why == f"It computed for {LIMIT_S:.0f} s and did not end."
    assert when == pytest.approx(7 * LIMIT_S, abs=2 * STEP_S)


def test_who_goes_forward_without_computing_is_spared_but_not_for_ever():
    """As one that reads from a slow disk; or one that counts for ever."""
    why, when = Computer().ends(0.001, said=lambda step: ("reading", step))
    assert (why, when) == (f"It did not end within {LONGEST * LIMIT_S:.0f} s.", LONGEST * LIMIT_S + STEP_S)


def test_a_time_in_which_nobody_looked_is_not_held_against_it():
    computer = Computer()
    assert computer.wait(0.0, step_s=100 * LIMIT_S) == ""
    assert computer.ends(0.0, most_s=2000.0)[0] == f"It did nothing for {LIMIT_S:.0f} s."


@pytest.mark.parametrize("code", [BURN + "print(1, flush=True); input()", PARENT])
def test_what_a_process_uses_is_known_with_what_it_has_started(code):
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().strip() == b"1"
        assert Processors(process.pid).used_s() > 0.2
        process.communicate(b"\n")


def test_what_a_process_used_that_has_ended_is_not_forgotten():
    code = BURN + "print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        processors = Processors(process.pid)
        before = processors.used_s()
        process.communicate(b"\n")
    assert processors.used_s() == before > 0.2

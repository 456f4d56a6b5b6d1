"""Work on a thread beside the window: what it tells, who frees what, and how it ends."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from endless_work import EndlessWork
from qtpy.QtCore import QObject, Qt, QTimer
from qtpy.QtWidgets import QPushButton

from napari_lesion.plugin.widgets.garbage import untouched
from napari_lesion.plugin.widgets.task import Task, run_with_dialog
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress

#: A program of its own, for what ends a program: `work` is run beside a window without one.
HEAD = """
import sys, threading, time
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from napari_lesion.support.errors import Cancelled
from napari_lesion.plugin.widgets.task import Task, run_with_dialog
app = QApplication([])
"""


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", HEAD + text], capture_output=True, text=True, check=False, timeout=300)


def heard(task: Task[Any]) -> list[tuple[Any, ...]]:
    """What a task tells, in order, with whether the window's thread was told."""
    told: list[tuple[Any, ...]] = []

    def listen(name: str) -> Callable[..., None]:
        return lambda *values: told.append((name, *values, threading.current_thread() is threading.main_thread()))

    for name in ("progressed", "succeeded", "failed", "cancelled", "ended"):
        getattr(task, name).connect(listen(name))
    return told


def test_steps_then_the_result_then_the_end_are_told_to_the_windows_thread(qtbot) -> None:
    def work(progress: Progress) -> bool:
        progress(1, 2, "half")
        return threading.current_thread() is threading.main_thread()

    task = Task(work)
    told = heard(task)
    with qtbot.waitSignal(task.ended):
        task.start()
        assert task.running
    assert told == [("progressed", 1, 2, "half", True), ("succeeded", False, True), ("ended", True)]
    assert not task.running


@pytest.mark.parametrize("error", [SeriesError("a bad file"), ValueError("a bug"), SystemExit(3)])
def test_whatever_a_function_raises_is_told_once(qtbot, error: BaseException) -> None:
    def work(progress: Progress) -> None:
        raise error

    task = Task(work)
    told = heard(task)
    with qtbot.waitSignal(task.ended):
        task.start()
    assert told == [("failed", error, True), ("ended", True)]
    with pytest.raises(type(error)):
        run_with_dialog("Working", work)


def test_nothing_is_clicked_before_the_dialog_is_there(qtbot) -> None:
    """It comes after a while, and would keep clicks from the window only then."""
    button, clicked, go_on = QPushButton("&Other"), [], threading.Event()
    qtbot.addWidget(button)
    button.clicked.connect(lambda: clicked.append(1))
    with qtbot.waitExposed(button):
        button.show()

    def use() -> None:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.keyClick(button, Qt.Key.Key_Space)
        go_on.set()

    QTimer.singleShot(0, use)
    assert run_with_dialog("Working", lambda _progress: go_on.wait(60))
    assert clicked == []
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert clicked == [1]


def test_cancelling_ends_the_work_at_its_next_step(qtbot) -> None:
    work = EndlessWork()
    task = Task(work)
    told = heard(task)
    with qtbot.waitSignal(task.ended):
        task.start()
        assert work.begun.wait(10)
        task.cancel()
    assert [one for one in told if one[0] != "progressed"] == [("cancelled", True), ("ended", True)]


def test_a_task_that_goes_with_its_panel_stops_and_tells_nothing(qtbot) -> None:
    work, panel = EndlessWork(), QObject()
    task = Task(work, panel)
    told = heard(task)
    task.start()
    assert work.begun.wait(10)
    panel.deleteLater()
    qtbot.waitUntil(work.stopped.is_set)
    qtbot.wait(20)
    assert {one[0] for one in told} <= {"progressed"}


def test_what_a_task_worked_on_is_not_kept(qtbot) -> None:
    class Scan:
        pass

    scan, result = Scan(), Scan()
    task = Task(lambda _progress, scan=scan, result=[result]: (scan, result.pop())[1])
    told: list[Scan] = []
    task.succeeded.connect(told.append)
    with qtbot.waitSignal(task.ended):
        task.start()
    assert told == [result]
    kept = weakref.ref(scan), weakref.ref(result)
    told.clear()
    del scan, result
    qtbot.waitUntil(lambda: [one() for one in kept] == [None, None])
    assert not task.running


def test_what_is_left_of_a_window_is_freed_by_its_own_thread(qtbot) -> None:
    """Python would collect on the thread that makes objects, and Qt's objects must not be destroyed there."""
    freed: list[bool] = []
    rubbish = QObject()
    rubbish.itself = rubbish  # type: ignore[attr-defined]
    weakref.finalize(rubbish, lambda: freed.append(threading.current_thread() is threading.main_thread()))
    seen: list[bool] = []

    def work(progress: Progress) -> None:
        for _ in range(200):
            seen.append(gc.isenabled())
            knots: list[list[Any]] = [[] for _ in range(1000)]
            for knot in knots:
                knot.append(knot)

    assert gc.isenabled()
    task = Task(work)
    with qtbot.waitSignal(task.ended):
        task.start()
        del rubbish
    assert not any(seen)
    assert gc.isenabled()
    gc.collect()
    assert freed == [True]


def test_garbage_is_collected_while_a_long_task_runs(qtbot) -> None:
    class Knot:
        pass

    end = threading.Event()
    task: Task[bool] = Task(lambda _progress: end.wait(30))
    task.start()
    knot = Knot()
    knot.itself = knot  # type: ignore[attr-defined]
    kept = weakref.ref(knot)
    del knot
    qtbot.waitUntil(lambda: kept() is None)
    with untouched():
        knot = Knot()
        knot.itself = knot  # type: ignore[attr-defined]
        kept = weakref.ref(knot)
        del knot
        qtbot.wait(1200)
        assert kept() is not None
    with qtbot.waitSignal(task.ended):
        end.set()


def test_thousands_of_tasks_one_after_the_other_do_not_end_the_program() -> None:
    done = run_program("""
def work(progress):
    for step in range(5):
        progress(step, 5, "searching")
    return [object() for _ in range(3000)]

for _ in range(3000):
    assert len(run_with_dialog("Working", work)) == 3000
print("alive")
""")
    assert done.stdout == "alive\n", done.stderr
    assert done.returncode == 0


def test_closing_the_application_stops_what_runs_and_waits_for_it() -> None:
    done = run_program("""
def work(progress):
    try:
        while True:
            progress(0, 1, "")
            time.sleep(0.01)
    except Cancelled:
        time.sleep(0.3)
        print("put away", flush=True)
        raise

task = Task(work)
task.start()
QTimer.singleShot(100, app.quit)
app.exec()
print("closed", flush=True)
""")
    assert done.stdout == "put away\nclosed\n", done.stderr
    assert (done.returncode, done.stderr) == (0, "")

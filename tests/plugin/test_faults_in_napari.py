"""What napari shows, keeps and copies of an error or a warning names nobody, whichever way leads into the plugin."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest
import yaml
from leak_canary import VALUES, parts_in
from leak_case import logged
from napari.utils.notifications import ErrorNotification, NotificationManager, WarningNotification

from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.widgets import faults
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.bug_report import last_faults
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import part

MANIFEST = yaml.safe_load((Path(__file__).resolve().parents[2] / "napari.yaml").read_text(encoding="utf-8"))
NAME = str(VALUES["PatientName"])


def fail_in_our_code(error: Exception) -> Exception:
    """Let an error come through code of ours, where a variable holds the name."""
    patient = NAME

    def progress(_done: int, _total: int, _what: str) -> None:
        assert patient
        raise error

    try:
        part(progress, 0, 1, 2)(0, 1, "x")
    except Exception as failed:
        return failed
    raise AssertionError


@pytest.fixture
def manager() -> NotificationManager:
    made = NotificationManager()
    faults.watch(made)
    faults.watch(made)  # once is enough
    return made


def shown(notification: object) -> list[str]:
    return [
        str(notification),
        notification.message,  # type: ignore[attr-defined]
        notification.as_text(),  # type: ignore[attr-defined]
        notification.as_html(),  # type: ignore[attr-defined]
        repr(notification.exception),  # type: ignore[attr-defined]
    ]


def test_napari_itself_shows_the_values_of_variables() -> None:
    """Else there would be nothing to keep out."""
    error = fail_in_our_code(ValueError("a text"))
    assert parts_in(ErrorNotification(error).as_text()) <= {"name"}
    assert parts_in(str(ErrorNotification(fail_in_our_code(ValueError(NAME))))) == {"name"}


def test_an_error_of_ours_is_lines_of_code(manager: NotificationManager) -> None:
    error = fail_in_our_code(ValueError(f"of {NAME}"))
    manager.receive_error(type(error), error, error.__traceback__)
    (kept,) = manager.records
    assert parts_in(*shown(kept)) == set()
    assert "napari_lesion/support/progress.py" in kept.as_html()
    assert kept.message.startswith(
        "Unexpected error, please report it: ValueError at napari_lesion/support/progress.py"
    )
    assert len(last_faults()) == 1


def test_a_sentence_stays_one_and_is_no_fault(manager: NotificationManager) -> None:
    error = fail_in_our_code(SeriesError("/data/a.dcm: it has no pixels."))
    manager.receive_error(type(error), error, error.__traceback__)
    (kept,) = manager.records
    assert kept.message == in_language("/data/a.dcm: it has no pixels.")
    assert parts_in(*shown(kept)) == set()
    assert last_faults() == []


def test_an_error_of_another_plugin_is_left_as_it_is(manager: NotificationManager) -> None:
    error = ValueError("of somebody else")
    manager.receive_error(type(error), error, None)
    (kept,) = manager.records
    assert type(kept) is ErrorNotification
    assert kept.message == "of somebody else"


@pytest.mark.parametrize(("library", "quoted"), [("pydicom", False), ("napari_lesion", False), ("another", True)])
def test_a_warning_of_who_reads_headers_is_not_quoted(manager: NotificationManager, library: str, quoted: bool) -> None:
    manager.receive_warning(UserWarning(f"of {NAME}"), UserWarning, f"/lib/site-packages/{library}/a.py", 3)
    (kept,) = manager.records
    assert isinstance(kept, WarningNotification)
    assert (parts_in(str(kept), str(kept.message)) == {"name"}) == quoted


def test_a_task_that_fails_says_where_in_the_panel_and_in_the_log(qtbot) -> None:
    error = fail_in_our_code(KeyError(NAME))
    failed: list[Exception] = []

    def work(_progress: object) -> None:
        raise error

    with logged() as said:
        task: Task[None] = Task(work)
        task.failed.connect(failed.append)
        with qtbot.waitSignal(task.ended, timeout=60_000):
            task.start()
    assert failed == [error]
    assert "a task failed" in said.getvalue()
    assert parts_in(sentence(error), said.getvalue()) == set()


def test_every_way_into_the_plugin_sees_to_that() -> None:
    graph = grimp.build_graph("napari_lesion", exclude_type_checking_imports=True, cache_dir=None)
    ways = {one["python_name"].partition(":")[0] for one in MANIFEST["contributions"]["commands"]}
    assert ways
    for way in ways:
        assert "napari_lesion.plugin.widgets.messages" in graph.find_upstream_modules(way), way

"""What the panels of a viewer share."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from endless_work import EndlessWork
from fake_scan import UID, make_volume
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils._proxies import PublicOnlyProxy
from qtpy.QtCore import QTimer
from review_scan import a_report

from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.viewer.layers import scan_layer
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.review import edits
from napari_lesion.review.journal import journal_path
from napari_lesion.review.review import redo, undo
from napari_lesion.security import projects
from napari_lesion.support import vault
from napari_lesion.support.errors import ConfigError, SecurityError


def add_scan(viewer: ViewerModel, series_uid: str = UID) -> Image:
    data, attributes, _ = scan_layer(make_volume(series_uid=series_uid))
    return viewer.add_image(data, **attributes)


def test_the_scan_that_was_opened_or_turned_to_last_is_read(qapp) -> None:
    viewer = ViewerModel()
    session = session_of(viewer)
    assert session is session_of(viewer)
    seen = []
    session.scan_changed.connect(seen.append)
    first, second = add_scan(viewer), add_scan(viewer, "1.2.9")
    assert session.scan is second
    assert list(viewer.layers) == [second], "the other one is not on the screen"
    session.set_active_scan(first)
    assert session.scan is first
    assert list(viewer.layers) == [first]
    viewer.layers.selection.active = viewer.add_points(np.zeros((1, 3)))
    assert session.scan is first, "a layer that is no scan changes nothing"
    viewer.layers.remove(first)
    assert session.scan is None
    qapp.processEvents()
    assert session.scan is second, "the one before comes back"
    viewer.layers.remove(second)
    qapp.processEvents()
    assert session.scan is None
    assert session.position_mm is None
    assert seen == [first, second, first, None, second, None]


def test_a_proxy_of_the_viewer_which_widgets_get_has_the_same_session_and_does_not_end_it(qapp) -> None:
    viewer = ViewerModel()
    session = session_of(PublicOnlyProxy(viewer))
    assert session is session_of(viewer)
    assert session.viewer is viewer


def test_nothing_acts_any_more_on_a_viewer_that_is_gone(qtbot) -> None:
    viewer = ViewerModel()
    session = session_of(viewer)
    acted: list[str] = []
    timer = QTimer(session, singleShot=True, interval=0)
    timer.timeout.connect(lambda: acted.append("timer"))
    work = EndlessWork()
    task = Task(work, session)
    task.ended.connect(lambda: acted.append("task"))
    timer.start()
    task.start()
    gone = weakref.ref(viewer)
    del viewer
    gc.collect()
    assert gone() is None
    qtbot.waitUntil(work.stopped.is_set)
    qtbot.wait(50)
    assert acted == []


def test_the_crosshair_is_where_the_reader_goes(qapp) -> None:
    viewer = ViewerModel()
    session = session_of(viewer)
    add_scan(viewer)
    heard = []
    session.position_changed.connect(heard.append)
    volume = session.volume
    place = volume.to_patient((4.0, 10.0, 20.0))
    session.go_to(place)
    assert session.position_mm == pytest.approx(place)
    assert heard[-1] == pytest.approx(place)


def test_each_change_is_on_disk_and_the_review_comes_back_with_the_scan(qapp, state) -> None:
    viewer = ViewerModel()
    session = session_of(viewer)
    heard = []
    session.review_changed.connect(heard.append)
    scan = add_scan(viewer)
    assert session.review is None
    session.begin(scan, a_report(session.volume))
    ids = [finding.id for finding in session.review.findings]
    session.change(lambda review, by: edits.accept(review, ids[:1], by))
    session.change(lambda review, by: edits.reject(review, ids[1:2], by))
    session.change(undo)
    left = session.review
    assert heard[-1] is left
    assert left.findings[0].history[0].reader == reader_name()
    [journal] = state.rglob("*.jsonl")
    assert b"undo" in journal.read_bytes()

    second = ViewerModel()
    other = session_of(second)
    add_scan(second)
    assert other.review is None, "the journal is held by the first window"
    with pytest.raises(ConfigError, match="another window"):
        other.change(lambda review, by: edits.add(review, (0, 0, -250), 5, by, make_volume()))
    viewer.layers.clear()
    assert session.review is None
    other.change(lambda review, by: edits.accept(review, [ids[2]], by))
    assert [finding.status for finding in other.review.findings][:3] == ["accepted", "candidate", "accepted"]
    other.change(undo)
    left = other.review
    second.layers.clear()
    assert heard[-1] is None
    add_scan(viewer)
    assert session.review == left
    session.change(redo)
    assert session.review.findings[2].status == "accepted"


def test_an_encrypted_review_waits_for_its_key(qapp, state, tmp_path_factory, monkeypatch) -> None:
    keys = tmp_path_factory.mktemp("keys")
    own, recipient = projects.make_identity(keys / "own")
    other, _ = projects.make_identity(keys / "other")
    state.mkdir(exist_ok=True)
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(own))
    projects.encrypt(state, [recipient])
    viewer = ViewerModel()
    session = session_of(viewer)
    scan = add_scan(viewer)
    session.begin(scan, a_report(session.volume))
    id_ = session.review.findings[0].id
    session.change(lambda review, by: edits.comment(review, id_, "Kanarienvogel", by))
    left = session.review
    viewer.layers.clear()
    assert not [path for path in state.rglob("*") if path.is_file() and b"Kanarienvogel" in path.read_bytes()]

    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(other))
    scan = add_scan(viewer)
    assert session.review is None
    with pytest.raises(SecurityError, match="your identity is not one of its recipients"):
        session.begin(scan, a_report(session.volume))
    assert not list(state.rglob("*.damaged1")), "nothing is taken for damaged that only needs its key"
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(own))
    session.change(lambda review, by: edits.accept(review, [id_], by))
    assert session.review.findings[0].status == "accepted"
    assert session.review.findings[0].comment == "Kanarienvogel"
    session.change(undo)
    assert session.review.findings == left.findings


def test_a_reader_can_add_findings_before_any_model_has_searched(qapp) -> None:
    viewer = ViewerModel()
    session = session_of(viewer)
    scan = add_scan(viewer)
    session.change(lambda review, by: edits.add(review, (0, 0, -250), 5, by, session.volume))
    assert [finding.status for finding in session.review.findings] == ["added"]
    session.begin(scan, a_report(session.volume))
    assert [finding.status for finding in session.review.findings] == ["added", *["candidate"] * 4]
    with pytest.raises(ConfigError, match="is of series"):
        session.begin(scan, a_report(make_volume(series_uid="1.2.9")))


def test_a_damaged_journal_does_not_keep_the_scan_from_opening(qapp, state) -> None:
    path = journal_path(make_volume())
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"journal": 1}\n')
    viewer = ViewerModel()
    session = session_of(viewer)
    scan = add_scan(viewer)
    assert session.review is None
    assert [one.name for one in path.parent.glob("*.damaged1")] == [path.with_suffix(".damaged1").name]
    session.begin(scan, a_report(session.volume))
    assert len(session.review.findings) == 4

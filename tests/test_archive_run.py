"""Runs over an archive: what is kept, tried again, left; and the page that shows it."""

from __future__ import annotations

import re

import pytest
from batch_case import FOUND, ONE, TWO, rows_of, write
from fake_scan import FakeDetector

from napari_lesion.batch import analyse_folder
from napari_lesion.report.ledger import read_ledgers
from napari_lesion.report.summary import load_summary
from napari_lesion.support.errors import GeometryError


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    write(root / "good", ONE)
    write(root / "other", TWO)
    return root


class Refuses(FakeDetector):
    """Refuses one series."""

    def detect(self, volume, **options):
        self.error = GeometryError("it is bent.") if volume.series.series_uid == TWO else None
        return super().detect(volume, **options)


def states(out):
    return {entry.series_uid: entry.state for entry in read_ledgers(out)}


def test_the_ledger_has_every_series_with_what_it_was_made_by_and_of(tree, tmp_path):
    analyse_folder([tree], tmp_path, detector=Refuses(FOUND), measure=False)
    entries = {entry.series_uid: entry for entry in read_ledgers(tmp_path)}
    good, other = entries[ONE], entries[TWO]
    assert (good.state, good.attempts, good.folder) == ("done", 1, ONE)
    assert all(len(one) == 64 for one in (good.settings_sha256, good.input_sha256, good.result_sha256))
    assert good.seconds > 0
    assert (other.state, other.reason, other.result_sha256) == ("failed", "it is bent.", "")


def test_a_run_goes_on_where_the_last_one_ended_and_leaves_what_was_refused(tree, tmp_path):
    analyse_folder([tree], tmp_path, detector=Refuses(FOUND), measure=False)
    again, plans = Refuses(FOUND), []
    result = analyse_folder([tree], tmp_path, detector=again, measure=False, resume=None, on_plan=plans.append)
    assert again.calls == []
    assert "0 of 2 series to analyse; 1 done already and kept; 1 left as they failed" in str(plans[0])
    assert {uid: row.status for uid, row in rows_of(result).items()} == {ONE: "done", TWO: "failed"}
    assert "it is bent. (Of an earlier run" in rows_of(result)[TWO].reason
    assert len(load_summary(tmp_path / "summary.csv")) == 2

    analyse_folder([tree], tmp_path, detector=again, measure=False, resume=True, retry=["failed"])
    assert again.calls == [TWO]
    assert states(tmp_path) == {ONE: "done", TWO: "failed"}


def test_what_failed_for_a_reason_of_the_moment_is_tried_again(tree, tmp_path):
    analyse_folder([tree / "good"], tmp_path, detector=FakeDetector(error=MemoryError()), measure=False)
    assert states(tmp_path) == {ONE: "failed"}
    again = FakeDetector(FOUND)
    analyse_folder([tree / "good"], tmp_path, detector=again, measure=False, resume=True)
    assert again.calls == [ONE]
    assert states(tmp_path) == {ONE: "done"}


def test_results_that_were_changed_since_are_looked_at_again(tree, tmp_path):
    analyse_folder([tree / "good"], tmp_path, detector=FakeDetector(FOUND), measure=False)
    (tmp_path / ONE / "findings.json").write_text("{")
    again = FakeDetector(FOUND)
    analyse_folder([tree / "good"], tmp_path, detector=again, measure=False, resume=True)
    assert again.calls == [ONE]


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(tree, tmp_path):
    detector = FakeDetector(FOUND)
    result = analyse_folder([tree], tmp_path / "out", detector=detector, dry_run=True)
    assert (len(result.plan.to_do), detector.calls, (tmp_path / "out").exists()) == (2, [], False)

    out = tmp_path / "out"
    analyse_folder([tree / "good"], out, detector=detector, measure=False)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    result = analyse_folder([tree], out, detector=detector, measure=False, resume=True, dry_run=True)
    assert "1 of 2 series to analyse; 1 done already" in str(result.plan)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_table_that_was_removed_is_made_again_out_of_the_ledger(tree, tmp_path):
    analyse_folder([tree / "good"], tmp_path, detector=FakeDetector(FOUND), measure=False)
    (tmp_path / "summary.csv").unlink()
    analyse_folder([tree / "other"], tmp_path, detector=FakeDetector(FOUND), measure=False)
    assert {row["series_uid"] for row in load_summary(tmp_path / "summary.csv")} == {ONE, TWO}


def test_a_folder_of_an_older_version_goes_on_and_its_rows_are_on_the_page(tree, tmp_path):
    analyse_folder([tree], tmp_path, detector=FakeDetector(FOUND), measure=False)
    for path in tmp_path.glob("ledger*"):
        path.unlink()
    again = FakeDetector(FOUND)
    result = analyse_folder([tree / "good"], tmp_path, detector=again, measure=False, resume=True)
    assert (again.calls, rows_of(result)[ONE].reason) == ([], "kept from an earlier run.")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"{ONE}/findings.json" in page
    assert f"{TWO}/findings.json" in page
    assert states(tmp_path) == {ONE: "done"}


def test_the_page_needs_nothing_else_and_shows_failures_first_and_no_markup_of_headers(tmp_path):
    write(tmp_path / "ct" / "good", ONE, PatientID="<script>alert(1)</script>")
    write(tmp_path / "ct" / "other", TWO)
    out = tmp_path / "out"
    analyse_folder([tmp_path / "ct"], out, detector=Refuses(FOUND), measure=False, reports=["html"])
    page = (out / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<tr class="(\w+)">', page) == ["failed", "done"]
    assert "<script>alert" not in page
    assert "data:image/jpeg;base64," in page
    assert f'href="{ONE}/report.html"' in page
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert not [one for one in addresses if not one.startswith((f"{ONE}/", "data:"))]

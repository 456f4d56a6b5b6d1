"""A result belongs to its series: no other series' result is kept, shown or written over in its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from batch_case import FOUND, ONE, rows_of, write
from fake_scan import FakeDetector, make_volume
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_lesion.batch import analyse_folder
from napari_lesion.dicom.index.series import find_series
from napari_lesion.report import folders
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.summary import SeriesOutcome, append_rows, cells, load_summary, save_summary
from napari_lesion.review import edits
from napari_lesion.review.journal import STATE_VARIABLE
from napari_lesion.review.review import Review, provenance
from napari_lesion.support import atomic
from napari_lesion.support.atomic import put_right, whole_folder
from napari_lesion.support.errors import ConfigError, ResultsError
from napari_lesion.support.uids import is_uid, name_of


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))


def change(folder: Path, **values) -> None:
    """Give all images of a folder other values."""
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        for name, value in values.items():
            setattr(dataset, name, value)
        dataset.save_as(file)


def findings(out: Path) -> dict[str, int]:
    return {path.parent.name: len(load_report(path).findings) for path in out.glob("*/findings.json")}


def patient_of(path: Path) -> str:
    return load_report(path / "findings.json").series.patient_id


def test_a_stack_and_a_series_whose_uid_reads_like_it_have_a_folder_each(tmp_path):
    write(tmp_path / "alice" / "first", "1.2.8", PatientID="ALICE")
    write(tmp_path / "alice" / "second", "1.2.8", PatientID="ALICE", ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    for n, file in enumerate(sorted((tmp_path / "alice" / "second").iterdir())):
        dataset = pydicom.dcmread(file)
        dataset.ImagePositionPatient = [-100, 2.5 * n, 100]
        dataset.SOPInstanceUID += ".9"
        dataset.save_as(file)
    write(tmp_path / "bob", "1.2.8.2", PatientID="BOB")
    out = tmp_path / "out"
    analyse_folder([tmp_path / "alice"], out, detector=FakeDetector(()))
    bob = FakeDetector(FOUND)
    row = rows_of(analyse_folder([tmp_path / "bob"], out, detector=bob, resume=True))["1.2.8.2"]
    assert bob.calls == ["1.2.8.2"]
    assert (row.status, row.findings) == ("done", 2)
    assert patient_of(out / row.folder) == "BOB"
    assert sorted(findings(out).values()) == [0, 0, 2]


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "in two runs"])
@pytest.mark.parametrize("resume", [True, False])
def test_two_patients_whose_series_have_one_uid_have_a_folder_each(tmp_path, together, resume):
    write(tmp_path / "alice", ONE, PatientID="ALICE")
    write(tmp_path / "bob", ONE, PatientID="BOB")
    out = tmp_path / "out"
    runs = [["alice", "bob"]] if together else [["alice"], ["bob"]]
    rows = [
        row
        for names in runs
        for row in analyse_folder(
            [tmp_path / name for name in names], out, detector=FakeDetector(FOUND), resume=resume
        ).outcomes
    ]
    assert [row.status for row in rows] == ["done", "done"]
    assert {row.patient_id: patient_of(out / row.folder) for row in rows} == {"ALICE": "ALICE", "BOB": "BOB"}
    assert len(load_summary(out / "summary.csv")) == 2
    again = FakeDetector(FOUND)
    kept = analyse_folder([tmp_path / "bob", tmp_path / "alice"], out, detector=again, resume=True)
    assert not again.calls
    assert {row.patient_id: patient_of(out / row.folder) for row in kept.outcomes} == {"ALICE": "ALICE", "BOB": "BOB"}


@pytest.mark.parametrize("uid", ["summary.csv", "CON", "..", "a/../../b", "1.2." + "3" * 200, "1.2.826.\u00b9"])
def test_what_is_no_uid_names_nothing(uid, tmp_path):
    name = name_of(uid)
    assert not is_uid(uid)
    assert "_" in name
    assert len(name) < 60
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_a_series_whose_uid_is_the_name_of_the_table_does_not_take_its_place(tmp_path):
    write(tmp_path / "odd", ONE)
    change(tmp_path / "odd", SeriesInstanceUID="summary.csv")
    out = tmp_path / "out"
    row = analyse_folder([tmp_path / "odd"], out, detector=FakeDetector(FOUND)).outcomes[0]
    assert row.status == "done"
    assert load_summary(out / "summary.csv") == (cells(row),)
    assert (out / row.folder / "findings.json").is_file()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    write(tmp_path / "scan", ONE)
    mine = tmp_path / "out" / ONE / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    row = rows_of(analyse_folder([tmp_path / "scan"], tmp_path / "out", detector=FakeDetector(FOUND)))[ONE]
    assert mine.read_text() == "mine"
    assert row.folder != ONE
    assert (tmp_path / "out" / row.folder / "findings.json").is_file()


CHANGES = {
    "nothing": lambda scan: None,
    "more slices": lambda scan: None,  # the test puts one there
    "fewer slices": lambda scan: sorted(scan.iterdir())[-1].unlink(),
    "other pixels": lambda scan: _other_pixels(scan),
    "other header": lambda scan: change(scan, StudyDescription="another"),
    "new times only": lambda scan: [os.utime(file, (1, 1)) for file in scan.iterdir()],
    "other patient": lambda scan: change(scan, PatientID="other"),
    "other study": lambda scan: change(scan, StudyInstanceUID="1.2.99"),
}


def _other_pixels(scan: Path) -> None:
    file = sorted(scan.iterdir())[5]
    content, stat = bytearray(file.read_bytes()), file.stat()
    content[-20000] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@settings(
    max_examples=int(os.environ.get("NAPARI_LESION_RESUME_EXAMPLES", "4")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(st.sampled_from(sorted(CHANGES)), st.booleans()), min_size=1, max_size=3))
def test_resuming_keeps_a_result_only_where_all_is_as_it_was(steps, tmp_path_factory):
    root = tmp_path_factory.mktemp("resume")
    scan, out, spare = root / "scan", root / "out", root / "spare"
    spare.mkdir()
    held_back = write(scan, ONE)[-1]
    held_back.rename(spare / held_back.name)
    analyse_folder([scan], out, detector=FakeDetector(FOUND))
    before, gaps = _signature(scan), False
    made = {(before, gaps)}
    for name, other_settings in steps:
        if name == "more slices" and list(spare.iterdir()):
            (spare / held_back.name).rename(scan / held_back.name)
        CHANGES[name](scan)
        if name.startswith("other") and name != "other pixels":
            CHANGES[name](spare)
        gaps ^= other_settings
        detector = FakeDetector(FOUND)
        row = analyse_folder([scan], out, detector=detector, resume=True, allow_gaps=gaps).outcomes[0]
        now = (_signature(scan), gaps)
        assert row.status == "done"
        assert bool(detector.calls) == ((now) not in made), name
        made = {one for one in made if one[0][:2] != now[0][:2]} | {now}
        report = load_report(out / row.folder / "findings.json")
        assert folders.owner(report.series) == folders.owner(find_series(scan)[0].identity)
        assert report.inputs.images == len(list(scan.iterdir()))


def _signature(scan: Path) -> tuple[str, str, frozenset[bytes]]:
    """Whose a scan is, and all that it consists of."""
    one = pydicom.dcmread(next(scan.iterdir()), stop_before_pixels=True)
    return one.PatientID, one.StudyInstanceUID, frozenset(file.read_bytes() for file in scan.iterdir())


def test_what_a_reader_judged_in_other_images_is_neither_kept_nor_written_over(tmp_path):
    files = write(tmp_path / "scan", ONE)
    last = files[-1].rename(tmp_path / "last")
    out = tmp_path / "out"
    analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND))
    path = out / ONE / "findings.json"
    report = load_report(path)
    save_report(edits.reject(Review(report), [report.findings[0].id], provenance("A")).report, path)
    before = path.read_bytes()
    last.rename(files[-1])
    row = analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND), resume=True).outcomes[0]
    assert row.status == "failed"
    assert "a reader judged" in row.reason
    assert path.read_bytes() == before


def test_damaged_results_are_kept_beside_the_new_ones_and_said(tmp_path):
    write(tmp_path / "scan", ONE)
    out = tmp_path / "out"
    analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND))
    path = out / ONE / "findings.json"
    damaged = path.read_text().replace('"score": 0.9', '"score": 0.1')
    path.write_text(damaged)
    with pytest.raises(ConfigError, match="number 1 of its findings"):
        load_report(path)
    row = analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND), resume=True).outcomes[0]
    assert "damaged" in row.reason
    assert (out / f"{ONE}_damaged1" / "findings.json.damaged").read_text() == damaged
    assert findings(out) == {ONE: 2}


def test_a_second_run_into_the_folder_is_refused_and_one_that_was_killed_blocks_nobody(tmp_path):
    write(tmp_path / "scan", ONE)
    out = tmp_path / "out"
    hold = "import sys, time; from pathlib import Path; from napari_lesion.report.folders import held\n"
    hold += "out = Path(sys.argv[1]); out.mkdir()\nwith held(out):\n    print('held', flush=True); time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", hold, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match="another run is writing"):
            analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND))
        other.kill()
    assert analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND)).count("done") == 1
    assert not list(out.glob(".*"))


class Meddling(FakeDetector):
    """Does something to the folder of the results while it searches."""

    def detect(self, volume, **options):
        self.meddle()
        return super().detect(volume, **options)


def test_an_output_folder_that_goes_away_ends_the_run_and_its_rows_are_kept(tmp_path):
    write(tmp_path / "scans" / "a", ONE)
    write(tmp_path / "scans" / "b", "1.2.826.2")
    out, told = tmp_path / "out", []
    detector = Meddling(FOUND)
    detector.meddle = lambda: out.rename(tmp_path / "elsewhere") if len(told) == 1 else None
    with pytest.raises(ResultsError, match="removed or replaced") as caught:
        analyse_folder([tmp_path / "scans"], out, detector=detector, on_outcome=told.append)
    assert not out.exists()
    [rescued] = (tmp_path / "state" / "summaries").iterdir()
    assert str(rescued) in str(caught.value)
    assert load_summary(rescued) == tuple(map(cells, told))
    assert [row["status"] for row in load_summary(tmp_path / "elsewhere" / "summary.csv")] == ["done"]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_what_names_a_patient_is_for_the_user_alone(tmp_path):
    write(tmp_path / "scan", ONE)
    out = tmp_path / "out"
    analyse_folder([tmp_path / "scan"], out, detector=FakeDetector(FOUND), reports=("csv", "html"))
    modes = {path.relative_to(out).as_posix(): path.stat().st_mode & 0o777 for path in out.rglob("*")}
    assert set(modes) >= {ONE, f"{ONE}/findings.json", f"{ONE}/report.html", "summary.csv", "skipped_files.csv"}
    assert {mode for name, mode in modes.items() if (out / name).is_file()} == {0o600}
    assert modes[ONE] == 0o700


def test_a_summary_that_was_cut_off_is_read_up_to_there(tmp_path):
    path = tmp_path / "summary.csv"
    outcomes = [SeriesOutcome(f"1.{n}", "done", folder=f"1.{n}", source="Straße") for n in range(3)]
    rows = list(map(cells, outcomes))
    save_summary(rows[:1], path)
    append_rows(rows[1:], path)
    content = path.read_bytes()
    assert load_summary(path) == tuple(rows)
    for end in range(content.rfind(b"1.2"), len(content) - 12):
        path.write_bytes(content[:end])
        assert load_summary(path)[:2] == tuple(rows[:2])
        assert len(load_summary(path)) == 2
    path.write_bytes(content)
    append_rows([cells(SeriesOutcome("1.0", "done", folder="1.0", reason="kept"))], path)
    assert [row["reason"] for row in load_summary(path)] == ["", "", "kept"], "the last row of a folder counts"


@pytest.mark.parametrize("kind", ["SIGTERM", "SIGHUP"])
def test_a_run_that_is_told_to_end_leaves_whole_results_only(kind, tmp_path):
    if not hasattr(signal, kind):
        pytest.skip("not on this system")
    driver = (
        "import sys; from pathlib import Path; from napari_lesion.cli import main\n"
        "from napari_lesion.support.atomic import whole_folder\n"
        "def work():\n"
        "    with whole_folder(Path(sys.argv[1]) / 'result') as new:\n"
        "        (new / 'half').write_text('')\n"
        "        print('writing', flush=True)\n"
        "        import time; time.sleep(60)\n"
        "main.app = work; main.main()"
    )
    command = [sys.executable, "-c", driver, str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(getattr(signal, kind))
        assert process.wait(20) != 0
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_replacement_that_was_killed_between_any_two_steps_is_put_right(renames, tmp_path):
    target = tmp_path / "result"
    with whole_folder(target) as new:
        (new / "file").write_text("old")
    driver = (
        "import os, sys; from pathlib import Path; from napari_lesion.support.atomic import whole_folder\n"
        "real, left = Path.replace, int(sys.argv[2])\n"
        "def replace(self, other):\n"
        "    global left\n"
        "    if left == 0: os._exit(9)\n"
        "    left -= 1; return real(self, other)\n"
        "Path.replace = replace\n"
        "with whole_folder(Path(sys.argv[1])) as new: (new / 'file').write_text('new')\n"
        "os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", driver, str(target), str(renames)], env=environment, check=False)
    restored = put_right(tmp_path)
    assert restored == ((target,) if renames == 1 else ())
    assert (target / "file").read_text() == ("old" if renames == 0 else "new")
    assert [path.name for path in tmp_path.iterdir() if path.name != "state"] == ["result"]


def test_what_is_still_being_written_is_not_cleared_away(tmp_path):
    with whole_folder(tmp_path / "result") as new:
        (new / "file").write_text("new")
        assert put_right(tmp_path) == ()
    assert (tmp_path / "result" / "file").read_text() == "new"


def test_what_takes_a_place_is_on_the_disk_before(tmp_path, monkeypatch):
    steps = []
    real_sync, real_replace = os.fsync, Path.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda fd: (steps.append("sync"), real_sync(fd))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (steps.append("rename"), real_replace(a, b))[1])
    with whole_folder(tmp_path / "result") as new:
        (new / "one").write_text("")
        (new / "two").write_text("")
    assert steps == ["sync"] * 3 + ["rename", "sync"]


def test_a_result_says_of_what_it_was_made_wherever_the_files_lie(tmp_path):
    write(tmp_path / "one", ONE)
    write(tmp_path / "two", ONE)
    for file in (tmp_path / "two").iterdir():
        file.write_bytes((tmp_path / "one" / file.name).read_bytes())
    one, two = (folders.inputs_of(find_series(tmp_path / name)[0], {}) for name in ("one", "two"))
    assert one.files_state != two.files_state
    assert one.model_copy(update={"files_state": ""}) == two.model_copy(update={"files_state": ""})
    assert one.images == make_volume(shape=(12, 100, 150)).shape[0]

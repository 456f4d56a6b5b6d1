"""Series that are analysed in processes of their own: what is poison costs nobody but itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from functools import partial

import pytest
from batch_case import FOUND, rows_of, write
from fake_scan import FakeDetector
from filelock import FileLock
from poison import PoisonDetector

from napari_lesion.batch import Shard, Status, Workers, analyse_folder, pool
from napari_lesion.batch.messages import Doing
from napari_lesion.batch.monitor import LOOPBACK, Monitor
from napari_lesion.batch.processes import Lost, NotStartedError, begin_with
from napari_lesion.report import folders
from napari_lesion.report.ledger import read_ledgers
from napari_lesion.report.summary import SeriesOutcome, load_summary
from napari_lesion.support.errors import ConfigError, ModelError, OptionError, OutputError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PREFIX = "1.2.826.7"
PROGRAM = """
from batch_case import FOUND
from fake_scan import FakeDetector as Fake

from napari_lesion.detection import choice


class StandIn(choice.DetectorChoice):
    def __new__(cls, *options):
        return Fake(FOUND)


choice.DetectorChoice = StandIn
from napari_lesion.cli.main import main

main()
"""
"""The command line with a detector that finds what it is told to, in its processes, too."""
LONG_S = 600.0
"""A limit that nobody comes near: these tests are of something else."""


def archive(folder, *names):
    """Write a series of each name."""
    uids = {name: f"{PREFIX}.{number}" for number, name in enumerate(names, 1)}
    for name, uid in uids.items():
        write(folder / name, uid)
    return uids


def entries(out):
    return {entry.series_uid: entry for entry in read_ledgers(out)}


def analyse(scans, out, detector, workers, **options):
    return analyse_folder([scans], out, detector=detector, device="cpu", measure=False, workers=workers, **options)


def findings(out):
    """The results without what is of the run that made them."""
    found = {}
    for path in sorted(out.glob("*/findings.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        found[path.parent.name] = {k: v for k, v in content.items() if k not in ("created", "timings_s", "checksums")}
    return found


def test_what_crashes_is_tried_alone_and_quarantined_and_nobody_else_is_harmed(tmp_path):
    kinds = {"crash": "crash", "flaky": "once", "bug": "bug"}
    uids = archive(tmp_path / "scans", "one", "crash", "flaky", "two", "bug", "cut")
    cut = next((tmp_path / "scans" / "cut").iterdir())
    cut.write_bytes(cut.read_bytes()[:-1000])
    (tmp_path / "marks").mkdir()
    poison = {uids[name]: kind for name, kind in kinds.items()}
    detector, statuses = PoisonDetector(FOUND, poison=poison, marks=tmp_path / "marks"), []
    result = analyse(tmp_path / "scans", tmp_path / "out", detector, Workers(2, LONG_S), on_status=statuses.append)

    found = {name: entries(tmp_path / "out")[uid] for name, uid in uids.items()}
    assert {name: (one.state, one.attempts) for name, one in found.items()} == {
        "one": ("done", 1),
        "two": ("done", 1),
        "flaky": ("done", 2),
        "crash": ("quarantined", 2),
        "bug": ("quarantined", 2),
        "cut": ("quarantined", 2),
    }
    assert found["crash"].exit_code == -11
    assert "SIGSEGV" in found["crash"].reason
    assert "the second time alone" in found["crash"].reason
    assert "ZeroDivisionError at " in found["bug"].reason
    assert found["one"].peak_memory_mb > 10
    assert rows_of(result)[uids["crash"]].status == "failed"
    assert {row["series_uid"] for row in load_summary(tmp_path / "out" / "summary.csv")} == set(uids.values())
    assert (statuses[-1].total, statuses[-1].done, statuses[-1].quarantined) == (6, 3, 3)

    analyse_folder(
        [tmp_path / "scans"],
        tmp_path / "serial",
        detector=FakeDetector(FOUND),
        device="cpu",
        measure=False,
        series_uids=[uids[name] for name in ("one", "two", "flaky")],
    )
    assert findings(tmp_path / "out") == findings(tmp_path / "serial")

    plans = []
    analyse(tmp_path / "scans", tmp_path / "out", detector, None, resume=True, on_plan=plans.append)
    assert plans[0].to_do == ()
    assert "3 left as they failed, 3 of them in quarantine" in str(plans[0])


def test_what_hangs_or_never_ends_is_ended(tmp_path):
    """Whether it sleeps, says the same for ever, or computes for ever; `test_patience.py` tells them apart."""
    uids = archive(tmp_path / "scans", "hang", "stuck", "endless")
    detector = PoisonDetector(poison={uid: name for name, uid in uids.items()})
    analyse(tmp_path / "scans", tmp_path / "out", detector, Workers(2, time_limit_s=1.0))
    for one in entries(tmp_path / "out").values():
        assert (one.state, one.attempts, one.exit_code) == ("quarantined", 2, -9)
        assert re.match(r"It (did nothing|computed) for 1 s[ .]", one.reason)
        assert "the second time alone" in one.reason


def test_what_takes_too_much_memory_is_ended(tmp_path):
    uids = archive(tmp_path / "scans", "memory")
    detector = PoisonDetector(poison={uids["memory"]: "memory"})
    analyse(tmp_path / "scans", tmp_path / "out", detector, Workers(1, LONG_S, memory_mb=700))
    (one,) = entries(tmp_path / "out").values()
    assert (one.state, one.attempts) == ("quarantined", 2)
    assert one.reason.startswith("It needed more than 700 MiB of memory.")
    assert one.peak_memory_mb > 700


def test_processes_are_replaced_and_names_are_withheld_in_them(tmp_path):
    from napari_lesion.report.withheld import Withheld

    for number in (1, 2):
        write(tmp_path / "Kanarienvogel" / str(number), f"{PREFIX}.{number}", PatientID="Kanarienvogel")
    out = tmp_path / "out"
    analyse(tmp_path / "Kanarienvogel", out, FakeDetector(FOUND), Workers(1, LONG_S, recycle=1), withheld=Withheld())
    assert {one.state for one in entries(out).values()} == {"done"}
    named = [path.name for path in out.rglob("*") if path.is_file() and b"anarienvogel" in path.read_bytes()]
    assert set(named) == {"findings.json"}


def test_a_model_that_is_not_there_is_said_before_anything_is_written(tmp_path):
    archive(tmp_path / "scans", "one")
    with pytest.raises(ModelError, match="no model"):
        analyse(tmp_path / "scans", tmp_path / "out", "no-such-model", Workers(2, LONG_S))
    with pytest.raises(OptionError, match="cannot be sent"):
        analyse(tmp_path / "scans", tmp_path / "out", FakeDetector(error=lambda: None), Workers(1, LONG_S))
    assert not (tmp_path / "out").exists()


def test_shards_share_a_folder_and_each_patient_is_in_one(tmp_path):
    patients = {f"{PREFIX}.{number}": f"P-{number}" for number in range(6)}
    for uid, patient in patients.items():
        write(tmp_path / "scans" / uid, uid, PatientID=patient)
    out, calls = tmp_path / "out", []
    for number in (1, 2):
        detector = FakeDetector(FOUND)
        analyse(tmp_path / "scans", out, detector, None, shard=Shard(number, 2))
        calls.append(set(detector.calls))
    assert calls[0] | calls[1] == set(patients)
    assert not calls[0] & calls[1]
    assert all(calls), "with six patients both have some"
    assert {row["series_uid"] for row in load_summary(out / "summary.csv")} == set(patients)
    assert all(uid in (out / "index.html").read_text(encoding="utf-8") for uid in patients)

    whole = FakeDetector(FOUND)
    analyse(tmp_path / "scans", out, whole, None, resume=True)
    assert whole.calls == []
    assert len(load_summary(out / "summary.csv")) == 6
    with pytest.raises(OptionError, match="counted from 1"):
        Shard(0, 2)


@pytest.mark.parametrize("failures", [1, 100])
def test_a_process_that_is_lost_while_it_starts_is_replaced_or_ends_the_run(monkeypatch, failures):
    class Starts:
        """A process that starts at once; of those after the first some do not."""

        made = 0
        is_worn = False
        doing = Doing(0, 1, "")

        def __init__(self, begin, limits):
            self.number = Starts.made
            Starts.made += 1

        @property
        def card(self):
            if 1 <= self.number <= failures:
                raise ConfigError("It cannot be started.")
            return FakeDetector().card

        def analyse(self, task, memory_mb):
            return Lost(task)

        def kill(self):
            pass

        close = kill

    monkeypatch.setattr(pool, "Child", Starts)
    with closing(pool.LocalPool(begin_with(FakeDetector(), "cpu"), Workers().limits, 2)) as two:
        two.start("process 2", "key", "analysed", alone=False)
        if failures == 1:
            assert two.ended(LONG_S) == [("key", Lost("analysed"))]
        else:
            with pytest.raises(ConfigError, match="cannot be started"):
                two.ended(LONG_S)


@pytest.mark.parametrize("error", [NotStartedError("It was ended."), ModelError("It is damaged.")])
def test_the_first_process_is_replaced_where_it_was_ended_but_not_where_the_model_is_refused(monkeypatch, error):
    class Starts:
        """The first one fails."""

        made = 0
        doing = Doing(0, 1, "")

        def __init__(self, begin, limits):
            self.number = Starts.made
            Starts.made += 1

        @property
        def card(self):
            if self.number == 0:
                raise error
            return FakeDetector().card

        def kill(self):
            pass

        close = kill

    monkeypatch.setattr(pool, "Child", Starts)
    made = partial(pool.LocalPool, begin_with(FakeDetector(), "cpu"), Workers().limits, 1)
    if isinstance(error, ModelError):
        with pytest.raises(ModelError, match="damaged"):
            made()
    else:
        with closing(made()) as one:
            assert one.card == FakeDetector().card


def test_shards_that_begin_at_the_same_time_wait_for_each_other(tmp_path, monkeypatch):
    other = FileLock(tmp_path / folders.LOCK)
    other.acquire()

    class Patient(FileLock):
        """The other shard goes on while somebody waits."""

        def acquire(self, timeout=None, **options):
            if timeout:
                other.release()
            return super().acquire(timeout, **options)

    monkeypatch.setattr(folders, "FileLock", Patient)
    with pytest.raises(OutputError, match="another run is writing"), folders.held(tmp_path):
        pass
    with folders.held(tmp_path, "1-of-2"):
        assert not other.is_locked


def test_the_command_line_says_all_in_lines_of_json_without_names(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    for number in (1, 2):
        write(tmp_path / "scans" / str(number), f"{PREFIX}.{number}", PatientID="Kanarienvogel")

    def run(*more):
        options = ["-o", tmp_path / "out", "--no-measure", "--device", "cpu", "--withhold-names", "--json", *more]
        command = [sys.executable, program, "analyse", tmp_path / "scans", *options]
        paths = os.pathsep.join(sys.path)
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
        assert (done.returncode, "Kanarienvogel" in done.stdout) == (0, False), done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    said = run("--jobs", "2")
    assert [one["event"] for one in said if one["event"] != "status"] == ["plan", "series", "series", "end"]
    assert {one["series_uid"]: one["status"] for one in said if one["event"] == "series"} == {
        f"{PREFIX}.{number}": "done" for number in (1, 2)
    }
    assert (said[-1]["done"], said[-1]["failed"]) == (2, 0)

    plan, *steps = run("--jobs", "2", "--dry-run")
    assert (plan["event"], plan["to_do"], plan["left"]) == ("plan", 0, {"done": 2})
    assert [(one["event"], one["what"], one["state"]) for one in steps] == [("step", "keep", "done")] * 2


def test_the_monitor_shows_the_run_to_this_computer_only():
    with closing(Monitor(LOOPBACK, 0)) as monitor:
        monitor.show(Status(10, done=3, running=(("process 1", "1.2.3", 4.0, "searching"),)))
        monitor.add(SeriesOutcome("1.2.4", "failed", reason="It is bent."))
        with urllib.request.urlopen(f"{monitor.address}status.json") as answer:
            said = json.load(answer)
        assert (said["total"], said["ended"], said["running"][0]["series"]) == (10, 3, "1.2.3")
        assert said["failures"] == [{"series": "1.2.4", "reason": "It is bent."}]
        with urllib.request.urlopen(monitor.address) as answer:
            assert b"status.json" in answer.read()
        foreign = urllib.request.Request(monitor.address, headers={"Host": "elsewhere.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign)

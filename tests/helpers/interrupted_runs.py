"""What runs leave that are ended in the middle, by hand: ``python tests/helpers/interrupted_runs.py [KIND ...]``.

A small archive is analysed by the real command line with a detector that finds what it is told to, over and over, and
ended at random moments; what is left, and what a run with ``--resume`` makes of it, is compared with a run that nobody
disturbed. Each kind prints one line of counts, and the exit status is 1 where one of them is not as it should be.

kill
    SIGKILL at a random moment, then ``--resume``; 100 times (``--times`` for all kinds).
hangup
    SIGHUP at a random moment, then ``--resume``; 20 times. Nothing half-written may be left.
race
    Two runs on one OUT that begin at the same time; 50 times. Each does it all or says that the other is there.
full
    A disk that is full in the middle: a small file system of its own where this user may mount one, else by the size
    that files may have. A sentence, status 1, and the rows are kept.
reading
    Two processes on the reading study of one reader; the second is refused until the first is gone, killed or not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_scan import FakeDetector, make_volume

from napari_lesion.batch import analyse_folder
from napari_lesion.cli.main import main as command_line
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate
from napari_lesion.reading_study.journal import Journal, hold, load, path_of
from napari_lesion.support.atomic import PREFIX
from napari_lesion.support.errors import ReadingError

SCANS = 5
FOUND = Candidate((40.0, -15.0, -289.0), 9.0, 0.9)
ONCE = ("created", "timings_s", "files_state", "versions", "device")
"""What of a result is of its run."""
TIMES = {"kill": 100, "hangup": 20, "race": 50, "full": 10, "reading": 50}


def archive(folder: Path) -> Path:
    """Write the scans."""
    for number in range(SCANS):
        volume = make_volume(shape=(12, 60, 90), series_uid=f"1.2.826.{number}")
        write_ct_series(volume, folder / str(number), series_uid=f"1.2.826.{number}")
    return folder


def fork(work: Callable[[], Any], log: Path) -> int:
    """Do something in a process of its own, with what it prints in a file, and give its id."""
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        os.write(2, f"escaped: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def analysing(scans: Path, out: Path, *more: str, before: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """Make the command's run."""

    def run() -> None:
        import napari_lesion.detection.registry

        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        before()
        napari_lesion.detection.registry.load_detector = lambda *_, **__: FakeDetector((FOUND,))
        sys.argv = [
            "napari-lesion",
            "analyse",
            str(scans),
            "-o",
            str(out),
            "--report",
            "html,csv",
            "--no-measure",
            *more,
        ]
        command_line()

    return run


def ended(pid: int) -> int:
    """Wait for a process: its status, or less than 0 where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def results(out: Path) -> dict[str, Any]:
    """Read what a run left: every result without what is of the run, its files, and the rows."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if k not in ONCE and k != "checksums"}
        return [plain(one) for one in value] if isinstance(value, list) else value

    found: dict[str, Any] = {}
    for path in sorted(out.glob("*/findings.json")):
        files = {one.name: one.stat().st_size > 0 for one in path.parent.iterdir()}
        found[path.parent.name] = plain(json.loads(path.read_text())), files
    with (out / "summary.csv").open(newline="") as file:
        rows = [{k: row[k] for k in ("series_uid", "status", "findings", "folder")} for row in csv.DictReader(file)]
    return {"results": found, "rows": sorted(rows, key=lambda row: row["series_uid"])}


def left_behind(out: Path) -> list[str]:
    """Name what is half-written."""
    return [path.name for path in out.rglob("*") if path.name.startswith(PREFIX)] if out.exists() else []


class Proof:
    """An archive, and what a run makes of it that nobody disturbs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log.txt"
        os.environ["NAPARI_LESION_STATE"] = str(folder / "state")
        self.scans = archive(folder / "scans")
        # Once in this process, which has all imported then that the others, forked from it, would have to.
        analyse_folder(
            [self.scans], self.out("first"), detector=FakeDetector((FOUND,)), reports=("html", "csv"), measure=False
        )
        begun = time.monotonic()
        assert self.run(self.out("serial")) == 0, self.log.read_text()
        self.whole_s = time.monotonic() - begun
        self.serial = results(self.out("serial"))
        assert len(self.serial["results"]) == SCANS

    def out(self, name: str) -> Path:
        return self.folder / name

    def run(self, out: Path, *more: str) -> int:
        return ended(fork(analysing(self.scans, out, *more), self.log))

    def moment(self) -> float:
        """Seconds after the start, in or a little after a whole run."""
        return random.uniform(0, 1.1 * self.whole_s)

    def stopped(self, kind: int, times: int) -> Counter[str]:
        """End runs at random moments, and compare what ``--resume`` makes of what they left."""
        counts: Counter[str] = Counter()
        for number in range(times):
            out = self.out(f"stopped-{number}")
            pid = fork(analysing(self.scans, out), self.log)
            time.sleep(self.moment())
            os.kill(pid, kind)
            status = ended(pid)
            counts["ended in the middle"] += status != 0
            counts[f"with {len(list(out.glob('*/findings.json')))} of {SCANS} results"] += 1
            if kind == signal.SIGHUP:
                counts["BAD: left half-written"] += bool(left_behind(out))
                counts["BAD: escaped"] += "Traceback" in self.log.read_text()
            again = self.run(out, "--resume")
            counts["BAD: not taken up"] += again != 0
            counts["BAD: another result"] += again == 0 and results(out) != self.serial
            counts["BAD: not cleared away"] += bool(left_behind(out))
            shutil.rmtree(out)
        return counts

    def kill(self, times: int) -> Counter[str]:
        return self.stopped(signal.SIGKILL, times)

    def hangup(self, times: int) -> Counter[str]:
        return self.stopped(signal.SIGHUP, times)

    def race(self, times: int) -> Counter[str]:
        counts: Counter[str] = Counter()
        for number in range(times):
            out, logs = self.out(f"race-{number}"), [self.folder / f"log-{n}.txt" for n in (0, 1)]
            pids = []
            for log in logs:
                pids.append(fork(analysing(self.scans, out), log))
                time.sleep(random.choice([0, 0, random.uniform(0, self.whole_s)]))
            statuses = [ended(pid) for pid in pids]
            said = ["another run is writing results there" in log.read_text() for log in logs]
            counts["both, one after the other"] += statuses == [0, 0]
            counts["one, and the other refused"] += sorted(statuses) == [0, 2]
            counts["BAD: neither"] += 0 not in statuses
            counts["BAD: without the sentence"] += any(
                s != 0 and not told for s, told in zip(statuses, said, strict=True)
            )
            counts["BAD: another result"] += results(out) != self.serial
            counts["BAD: left half-written"] += bool(left_behind(out))
            shutil.rmtree(out)
        return counts

    def full(self, times: int) -> Counter[str]:
        counts: Counter[str] = Counter()
        size = sum(path.stat().st_size for path in self.out("serial").rglob("*") if path.is_file())
        for number in range(times):
            out = self.out(f"full-{number}")
            out.mkdir()
            share = random.uniform(0.15, 0.95)
            mounted = self._small_disk(out, int(size * share))
            counts["on a file system of its own" if mounted else "by the size of files"] += 1
            largest = max(path.stat().st_size for path in self.out("serial").rglob("*") if path.is_file())

            def little(limit: int = int(largest * share)) -> None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

            run = analysing(self.scans, out, before=(lambda: None) if mounted else little)
            status = ended(fork(run, self.log))
            said = self.log.read_text()
            kept = re.search(r"Its rows are kept in (\S+\.csv)", said)
            counts[f"status {status}"] += 1
            counts["rows kept elsewhere"] += kept is not None and Path(kept[1]).exists()
            counts["rows in OUT"] += (out / "summary.csv").exists()
            counts["BAD: status"] += status != 1
            counts["BAD: no sentence"] += "error: " not in said and "failed" not in said
            counts["BAD: escaped"] += "Traceback" in said or "escaped: " in said
            counts["BAD: no row"] += kept is None and not (out / "summary.csv").exists()
            if mounted:
                subprocess.run(["mount", "-o", f"remount,size={4 * size}", str(out)], check=True)
            again = self.run(out, "--resume")
            counts["BAD: not taken up when there is room"] += again != 0 or results(out) != self.serial
            if mounted:
                subprocess.run(["umount", str(out)], check=True)
            shutil.rmtree(out)
        return counts

    def _small_disk(self, at: Path, size: int) -> bool:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], capture_output=True)
        return made.returncode == 0

    def reading(self, times: int) -> Counter[str]:
        counts: Counter[str] = Counter()
        for number in range(times):
            folder, reader = self.folder / "readings", f"R{number}"
            path = path_of(folder, reader, "1.2.826.0")
            kill = number % 2 == 0

            def read(path: Path = path, reader: str = reader, stay: bool = kill) -> None:
                lock = hold(path)
                journal = Journal.start(path, reader, "1.2.826.0", seen_before=False)
                for level in range(20):
                    journal.mark((float(level), 0.0, 0.0), level % 5 + 1)
                    os.write(1, f"{level}\n".encode())
                if stay:
                    time.sleep(60)
                journal.pause()
                lock.release()

            self.log.unlink(missing_ok=True)
            pid = fork(read, self.log)
            while not (self.log.exists() and "0\n" in self.log.read_text()):
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.05))
            alive = os.waitpid(pid, os.WNOHANG) == (0, 0)
            try:
                hold(path).release()
                refused = False
            except ReadingError:
                refused = True
            still = alive and os.waitpid(pid, os.WNOHANG) == (0, 0)
            counts["second window refused"] += refused
            counts["BAD: two windows"] += still and kill and not refused
            if still:
                if kill:
                    os.kill(pid, signal.SIGKILL)
                ended(pid)
            said = self.log.read_text().split()
            lock = hold(path)
            again = Journal.resume(path)
            lock.release()
            counts["killed"] += kill
            counts["BAD: marks lost"] += len(again.reading.marks) < len(said)
            counts["BAD: told of damage without any"] += bool(again.warning) and "cut off" not in again.warning
            counts["BAD: not what is on the disk"] += load(path) != again.reading
        return counts


def main() -> None:
    """Run the kinds that are asked for."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("kinds", nargs="*", choices=[*TIMES, []], metavar="KIND", help=", ".join(TIMES))
    arguments.add_argument("--times", type=int, help="instead of the kind's own number")
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    random.seed(asked.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        proof = Proof(Path(folder))
        for kind in asked.kinds or TIMES:
            times = asked.times or TIMES[kind]
            counts = getattr(proof, kind)(times)
            bad += sum(count for name, count in counts.items() if name.startswith("BAD"))
            print(  # noqa: T201
                f"{kind} x {times}:", *(f"{name} {count};" for name, count in sorted(counts.items())), flush=True
            )
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()

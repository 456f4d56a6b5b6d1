"""Whether a run over an archive can be trusted: killed over and over, poisoned, compared with one that nobody disturbs.

    python benchmarks/archive.py [kills] [poison] [ledger] [speed] [dask] [network] [--studies N] [--seed S] ...

Small synthetic studies, and a detector that finds what it is told to and is as quick as one can be: what is measured is
what the run costs, not the network; only ``network`` has that.

kills
    One process analyses all studies. Then two do, while the run is killed (SIGKILL) at random moments and so are its
    processes; each time it is begun again. In the end every study must have its result, once, with the bytes that the
    undisturbed run wrote. Also the memory of the undisturbed process after study 100 and after the last one.
poison
    Studies that crash, hang, take all memory, compute for ever or are corrupt, among good ones: all of those must be in
    quarantine after two attempts, and none of the good ones.
ledger
    What the ledger costs for each study.
speed
    Two processes against one.
dask
    Two workers of a Dask scheduler against one, and two processes against one, taking turns: what else the computer
    does bears on all of them.
network
    The same with synthetic chests and the shipped network, one thread of the processor for each worker.

**Compared byte by byte** are all files of all results, but for what of ``findings.json`` is of the run and not of the
study: ``created``, ``timings_s``, and ``checksums``, which cover these.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import torch

from napari_lesion.batch import Workers, analyse_folder
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate, Detection, Heatmap
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.models.card import Card
from napari_lesion.phantom.scan import make_scan
from napari_lesion.report.ledger import Ledger, LedgerEntry, read_ledgers
from napari_lesion.report.summary import SeriesOutcome, load_summary
from napari_lesion.support.progress import Progress, silent

OF_THE_RUN = ("created", "timings_s", "checksums")
KINDS = ("crash", "hang", "memory", "endless", "corrupt")
SHAPE = (4, 24, 32)
_ROOT = "1.2.826.0.1.3680043.8.498.77"
_MOST_MB = 2048
_STEP_MB = 64
_CHILD = "napari_lesion.batch.child"


@dataclass
class QuickDetector:
    """Finds one thing in every scan; ``poison`` says by SeriesInstanceUID on which it ends the process, and how."""

    poison: Mapping[str, str] = field(default_factory=dict)

    @property
    def card(self) -> Card:
        """Say what it is."""
        return Card(id="quick", version="1", task="benchmark", licence="none", sha256="ab" * 32, threshold=0.5)

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Find it."""
        del device
        _end(self.poison.get(volume.series.series_uid, ""), progress)
        centre = tuple(float(one) for one in volume.to_patient([n / 2 for n in volume.shape]))
        values = np.zeros([max(n // 2, 1) for n in volume.shape], np.float32)
        affine = volume.affine.copy()
        affine[:3, :3] *= 2
        return Detection(Heatmap(values, affine), (Candidate(centre, 6.0, 0.9),), device="cpu", timings_s={})


def _end(kind: str, progress: Progress) -> None:
    """Do what poison does."""
    if kind == "crash":
        ctypes.string_at(0)
    held: list[bytes] = []
    while kind in ("hang", "memory", "endless"):
        if kind == "endless":
            progress(0, 1, "searching")
            continue
        if kind == "memory" and len(held) * _STEP_MB < _MOST_MB:
            held.append(b"x" * (_STEP_MB * 2**20))
        time.sleep(0.05)


def uid_of(number: int) -> str:
    """Name a study's series."""
    return f"{_ROOT}.{number + 1}"


def write_archive(folder: Path, count: int, seed: int) -> None:
    """Write small studies, no two alike."""
    noise = np.random.default_rng(seed)
    affine = np.array([[0, 0, 2.0, -30], [0, 2.0, 0, -20], [2.5, 0, 0, -300], [0, 0, 0, 1.0]])
    spacing = (2.5, 2.0, 2.0)
    certificate = GeometryCertificate(shape=SHAPE, spacing_mm=spacing, orientation="axial", axes="HPL", unit="HU")
    for number in range(count):
        volume = Volume(
            voxels=noise.integers(-1000, 400, SHAPE).astype(np.int16),
            affine=affine,
            series=SeriesIdentity(
                series_uid=uid_of(number), study_uid=f"{uid_of(number)}.0", patient_id=f"P-{number}", modality="CT"
            ),
            certificate=certificate,
        )
        write_ct_series(volume, folder / f"{number // 100:03d}" / f"{number:05d}", series_uid=uid_of(number))


def contents(out: Path) -> dict[str, str]:
    """Give a digest of each file of each result, without what is of the run."""
    found = {}
    for path in sorted(out.glob("*/*")):
        if path.parent.name.startswith("."):
            continue
        content = path.read_bytes()
        if path.name == "findings.json":
            plain = {name: value for name, value in json.loads(content).items() if name not in OF_THE_RUN}
            content = json.dumps(plain).encode()
        found[f"{path.parent.name}/{path.name}"] = hashlib.sha256(content).hexdigest()
    return found


def run(scans: Path, out: Path, workers: Workers, detector: QuickDetector) -> None:
    """Analyse an archive, or go on with it."""
    analyse_folder([scans], out, detector=detector, device="cpu", measure=False, resume=True, workers=workers)


def start(scans: Path, out: Path, processes: int) -> subprocess.Popen[bytes]:
    """Run it in a process that can be killed."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]; from pathlib import Path; import archive\n"
        "from napari_lesion.batch import Workers\n"
        "scans, out = map(Path, sys.argv[2:4])\n"
        "archive.run(scans, out, Workers(int(sys.argv[4])), archive.QuickDetector())"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(scans), str(out), str(processes)]
    return subprocess.Popen(command)


def settled(out: Path) -> int:
    """Count the results that there are: folders, which appear as a whole; to look into each would slow the run down."""
    with suppress(FileNotFoundError):
        return sum(1 for one in os.scandir(out) if not one.name.startswith(".") and one.is_dir())
    return 0


def workers_of(run_: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """List the processes in which a run analyses."""
    with suppress(psutil.Error):
        return [one for one in psutil.Process(run_.pid).children() if _CHILD in " ".join(one.cmdline())]
    return []


def killed_over_and_over(
    scans: Path, out: Path, count: int, runs: int, processes: int, dice: random.Random
) -> Counter[str]:
    """Kill a run and its processes at random moments, begin it again each time, and let the last one end.

    The moments are counts of results, so that they are spread over the whole archive however fast it goes. A process
    that is killed twice with the same study, the second time alone, would bring it into quarantine: so the moments end
    where studies are left to be begun, and what failed once is tried alone after that.
    """
    kinds = ["run"] * runs + ["process"] * processes
    dice.shuffle(kinds)
    last = count - 4 - processes
    moments = sorted(dice.randint(0, max(last, 1)) for _ in kinds)
    done: Counter[str] = Counter()
    running = start(scans, out, 2)
    for kind, moment in zip(kinds, moments, strict=True):
        while running.poll() is None and (settled(out) < moment or not workers_of(running)):
            time.sleep(0.2)
        time.sleep(dice.uniform(0, 0.3))
        if running.poll() is not None:
            break
        if kind == "run":
            running.send_signal(signal.SIGKILL)
            running.wait()
            running = start(scans, out, 2)
        elif victims := workers_of(running):
            with suppress(psutil.Error):
                dice.choice(victims).kill()
        done[kind] += 1
    assert running.wait() == 0, "the last run failed"
    return done


def check(out: Path, reference: Mapping[str, str], count: int) -> list[str]:
    """Say what is not as it should be; nothing, if all is."""
    wrong = []
    made = contents(out)
    if made != reference:
        differing = sorted(name for name in {*made, *reference} if made.get(name) != reference.get(name))
        wrong.append(f"{len(differing)} files differ from those of the undisturbed run: {differing[:5]}")
    entries = read_ledgers(out)
    states = Counter(entry.state for entry in entries)
    if states != {"done": count}:
        wrong.append(f"the ledger says {dict(states)}")
    rows = Counter(row["series_uid"] for row in load_summary(out / "summary.csv"))
    if len(rows) != count or set(rows.values()) != {1}:
        wrong.append(f"summary.csv has {len(rows)} series, some more than once")
    if left := [path.name for path in out.iterdir() if path.name.startswith(".")]:
        wrong.append(f"left behind: {left}")
    return wrong


def kills(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Do the proof of the same name."""
    count, dice = arguments.studies, random.Random(arguments.seed)
    scans = folder / "scans"
    write_archive(scans, count, arguments.seed)
    begun = time.monotonic()
    run(scans, folder / "undisturbed", Workers(1, recycle=10**9), QuickDetector())
    took = time.monotonic() - begun
    held = [one.peak_memory_mb for one in sorted(read_ledgers(folder / "undisturbed"), key=lambda one: one.ended or 0)]
    early = median(one for one in held[80:120] or held if one is not None)
    print(f"{count} studies in one process: {took:.0f} s, {count / took:.2f} a second")
    print(f"its memory: {early:.0f} MiB at study 100", end="")
    for study in (*(n for n in (1000, 3000) if n < count), count):
        late = median(one for one in held[max(study - 40, 0) : study] if one is not None)
        print(f", {late:.0f} MiB at study {study} ({100 * (late / early - 1):+.1f} %)", end="")
    print(f"; load of the computer {os.getloadavg()[0]:.1f}", flush=True)
    reference = contents(folder / "undisturbed")
    begun = time.monotonic()
    done = killed_over_and_over(scans, folder / "out", count, arguments.runs, arguments.processes, dice)
    took = time.monotonic() - begun
    print(f"killed: the run {done['run']} times, its processes {done['process']} times, in {took:.0f} s")
    begun = time.monotonic()
    analyse_folder(
        [scans], folder / "out", detector=QuickDetector(), device="cpu", measure=False, resume=True, dry_run=True
    )
    print(f"what a run that goes on will do is known after {time.monotonic() - begun:.1f} s")
    return check(folder / "out", reference, count)


def poison(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Do the proof of the same name."""
    bad, good = arguments.poison, arguments.good
    scans, out = folder / "poisoned", folder / "poisoned-out"
    write_archive(scans, bad + good, arguments.seed)
    numbers = random.Random(arguments.seed).sample(range(bad + good), bad)
    kinds = {number: KINDS[place % len(KINDS)] for place, number in enumerate(numbers)}
    for number in (number for number, kind in kinds.items() if kind == "corrupt"):
        file = next((scans / f"{number // 100:03d}" / f"{number:05d}").iterdir())
        file.write_bytes(file.read_bytes()[:-500])
    detector = QuickDetector({uid_of(number): kind for number, kind in kinds.items()})
    begun = time.monotonic()
    run(scans, out, Workers(2, time_limit_s=arguments.time_limit, memory_mb=1000), detector)
    entries = {entry.series_uid: entry for entry in read_ledgers(out)}
    caught = Counter(kinds[n] for n in kinds if entries[uid_of(n)].state == "quarantined")
    print(
        f"in quarantine, in {time.monotonic() - begun:.0f} s: {dict(caught)}; load {os.getloadavg()[0]:.1f}", flush=True
    )
    reasons = Counter((kind, entries[uid_of(number)].reason.rpartition(": ")[2][:60]) for number, kind in kinds.items())
    print(*(f"  {count} x {kind}: {reason}" for (kind, reason), count in sorted(reasons.items())), sep="\n")
    good_ones = Counter(
        (entries[uid_of(n)].state, entries[uid_of(n)].attempts) for n in range(bad + good) if n not in kinds
    )
    print(f"good ones, by state and attempts: {dict(good_ones)}", flush=True)
    wrong = []
    for number in range(bad + good):
        entry, kind = entries[uid_of(number)], kinds.get(number, "")
        if entry.attempts > 2 or entry.state != ("quarantined" if kind else "done"):
            told = f"{entry.state} after {entry.attempts}: {entry.reason}"
            wrong.append(f"study {number} ({kind or 'good'}): {told}")
    return wrong


def ledger(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Measure what the ledger costs for each study: begun, and settled with a thumbnail."""
    del arguments
    count = 500
    entries = [
        LedgerEntry(f"{n:064d}", uid_of(n), uid_of(n), "queued", position=n, settings_sha256="s") for n in range(count)
    ]
    book = Ledger(folder)
    book.queue(entries)
    times = []
    for entry in entries:
        begun = time.perf_counter()
        book.lease(entry.key, "process 1", 3600)
        book.settle(
            LedgerEntry(**{**vars(entry), "state": "done", "outcome": SeriesOutcome(entry.key, "done")}), b"x" * 3000
        )
        times.append(1000 * (time.perf_counter() - begun))
    book.close()
    (folder / "probe").write_bytes(b"")
    syncs = []
    with (folder / "probe").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fsync(file.fileno())
            syncs.append(1000 * (time.perf_counter() - begun))
    print(f"ledger: {sum(times) / count:.2f} ms a study, median {median(times):.2f} ms", end="; ")
    print(f"one fsync of this disk: mean {sum(syncs) / len(syncs):.2f} ms, median {median(syncs):.2f} ms")
    return []


def seconds_a_study(scans: Path, out: Path, workers: Workers, detector: QuickDetector | str) -> float:
    """Measure how long a study takes, from the end of the first to that of the last."""
    ends: list[float] = []
    analyse_folder(
        [scans],
        out,
        detector=detector,
        device="cpu",
        measure=False,
        workers=workers,
        on_outcome=lambda _: ends.append(time.monotonic()),
    )
    shutil.rmtree(out)
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def speed(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Measure two processes against one, with what else the computer does."""
    scans = folder / "speed"
    write_archive(scans, min(arguments.studies, 200), arguments.seed)
    took = {count: seconds_a_study(scans, folder / "speed-out", Workers(count), QuickDetector()) for count in (1, 2)}
    load = os.getloadavg()[0]
    print(f"two processes do {took[1] / took[2]:.2f} times as many as one (load of the computer {load:.1f})")
    return []


def dask(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Measure two workers against one, and two processes against one, in turns."""
    scans = folder / "dask"
    write_archive(scans, min(arguments.studies, 100), arguments.seed)
    two_against_one(scans, folder / "dask-out", arguments.rounds, QuickDetector())
    return []


def network(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Measure the same with the shipped network in synthetic chests."""
    scans = folder / "network"
    for number in range(min(arguments.studies, 16)):
        volume, _ = make_scan(arguments.seed + number, spacing=(3.0, 1.4, 1.4))
        identity = SeriesIdentity(
            series_uid=uid_of(number), study_uid=f"{uid_of(number)}.0", patient_id=f"P-{number}", modality="CT"
        )
        write_ct_series(replace(volume, series=identity), scans / f"{number:05d}", series_uid=uid_of(number))
    # One process alone analyses here; the others inherit the variable.
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    two_against_one(scans, folder / "network-out", arguments.rounds, "nodule-3d")
    return []


def two_against_one(scans: Path, out: Path, rounds: int, detector: QuickDetector | str) -> None:
    """Measure processes and Dask's workers, one and two, in turns, and print their ratios."""
    from distributed import LocalCluster

    took: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds):
        for count in (1, 2):
            took.setdefault(("processes", count), []).append(seconds_a_study(scans, out, Workers(count), detector))
            with LocalCluster(
                n_workers=count, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, memory_limit=None
            ) as cluster:
                workers = Workers(scheduler=cluster.scheduler_address)
                took.setdefault(("workers", count), []).append(seconds_a_study(scans, out, workers, detector))
        said = ", ".join(f"{took[kind, 1][-1] / took[kind, 2][-1]:.2f} ({kind})" for kind in ("processes", "workers"))
        print(f"round {turn + 1}: two against one {said}; load {os.getloadavg()[0]:.1f}", flush=True)
    for kind in ("processes", "workers"):
        one, two = (median(took[kind, count]) for count in (1, 2))
        print(f"{kind}: median {1000 * one:.0f} ms a study with one, {1000 * two:.0f} with two: {one / two:.2f} times")


def main() -> None:
    """Do the proofs that are asked for; exit status 1 where one of them fails."""
    proofs = {"kills": kills, "poison": poison, "ledger": ledger, "speed": speed, "dask": dask, "network": network}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proofs", nargs="*", choices=[*proofs, []], help="by default all")
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=20, help="how often the run is killed")
    parser.add_argument("--processes", type=int, default=50, help="how often one of its processes is killed")
    parser.add_argument("--poison", type=int, default=100, help="studies that are poison")
    parser.add_argument("--good", type=int, default=200, help="studies among them that are not")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds, for the poison")
    parser.add_argument("--rounds", type=int, default=3, help="for Dask and the network")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="work here, and leave it")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="archive-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["NAPARI_LESION_STATE"] = str(folder / "state")
    wrong = []
    try:
        for name in arguments.proofs or proofs:
            found = proofs[name](folder, arguments)
            print(f"{name}: {'FAILED' if found else 'as it should be'}", *found[:20], sep="\n  ", flush=True)
            wrong += found
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    import archive

    archive.main()  # so that its detector has the name of a module that other processes can import

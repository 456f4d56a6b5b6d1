"""Series that are analysed by the workers of a Dask scheduler, each in a process of its own there."""

from __future__ import annotations

import os
import signal

import pytest
from batch_case import FOUND, write
from poison import PoisonDetector

from napari_lesion.batch import Workers, analyse_folder, cluster
from napari_lesion.report.ledger import read_ledgers
from napari_lesion.support.errors import ConfigError, OptionError

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
PREFIX = "1.2.826.8"
LONG_S = 600.0


@pytest.fixture(scope="module")
def scheduler():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, memory_limit=None
    ) as local:
        yield local


def analyse(scans, out, detector, address, device="cpu", **options):
    workers = Workers(time_limit_s=LONG_S, scheduler=address)
    return analyse_folder([scans], out, detector=detector, device=device, measure=False, workers=workers, **options)


def test_a_crash_costs_one_series_and_no_worker_and_a_worker_that_goes_costs_none(scheduler, tmp_path):
    names = ("one", "crash", "two")
    uids = {name: f"{PREFIX}.{number}" for number, name in enumerate(names, 1)}
    for name, uid in uids.items():
        write(tmp_path / "scans" / name, uid)
    (nanny,) = scheduler.workers.values()
    detector = PoisonDetector(FOUND, poison={uids["crash"]: "crash"})
    killed = []

    def kill(status):
        """End a worker while it has something to do; its nanny starts another one."""
        if not killed and status.running:
            killed.append(nanny.pid)
            os.kill(nanny.pid, signal.SIGKILL)

    analyse(tmp_path / "scans", tmp_path / "out", detector, scheduler.scheduler_address, on_status=kill)
    found = {entry.series_uid: entry for entry in read_ledgers(tmp_path / "out")}
    assert len(killed) == 1
    assert {name: (found[uid].state, found[uid].strikes) for name, uid in uids.items()} == {
        "one": ("done", 0),
        "two": ("done", 0),
        "crash": ("quarantined", 2),
    }


def test_nobody_who_offers_a_gpu_is_an_error_and_no_silence(scheduler, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 1.0)
    write(tmp_path / "scans", f"{PREFIX}.9")
    monkeypatch.setattr(cluster, "_LOOK_EVERY_S", 0.2)
    with pytest.raises(ConfigError, match="No worker offers a GPU, of 1 that there are"):
        analyse(tmp_path / "scans", tmp_path / "out", PoisonDetector(), scheduler.scheduler_address, device="cuda")
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE_S", 1.0)
    with pytest.raises(OptionError, match="cannot be reached"):
        analyse(tmp_path, tmp_path / "out", PoisonDetector(), "tcp://127.0.0.1:1")
    with pytest.raises(OptionError, match="choose one"):
        Workers(scheduler="tcp://127.0.0.1:1", slurm=True)


def test_slurm_is_asked_for_workers_that_have_a_gpu(tmp_path, monkeypatch):
    """By programs of the same names, which start nothing."""
    pytest.importorskip("dask_jobqueue")
    import dask

    for name, said in (("sbatch", "Submitted batch job 7"), ("scancel", "")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with dask.config.set({"jobqueue.slurm.cores": 2, "jobqueue.slurm.memory": "4GiB"}):
        made = cluster.slurm_cluster(1, needs_gpu=True)
        try:
            script = made.job_script()
        finally:
            made.close()
    assert "--resources GPU=1" in script
    assert "#SBATCH --mem=4G" in script


def test_slurm_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match="sbatch"):
        cluster.slurm_cluster(1, needs_gpu=False)

"""Runs that are killed, and runs of two processes: forked from one process that has imported everything already.

``python training_driver.py FOLDER`` trains into folders below FOLDER; a test looks at what lies there. The network, its
batches and all that a run writes are real; only the scans are cut small.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

torch.set_num_threads(1)  # no threads of OpenMP may exist when this process forks

import numpy as np  # noqa: E402
from training_scan import write_project  # noqa: E402

from napari_lesion.evaluation.froc import Mark  # noqa: E402
from napari_lesion.training.config.detector import read_config  # noqa: E402
from napari_lesion.training.data.background import Background  # noqa: E402
from napari_lesion.training.data.scans import load_backgrounds  # noqa: E402
from napari_lesion.training.data.split import make_split  # noqa: E402
from napari_lesion.training.engine import fit as engine  # noqa: E402
from napari_lesion.training.engine.fit import Run, begin  # noqa: E402
from napari_lesion.training.engine.log import draw_curves  # noqa: E402
from napari_lesion.training.engine.optimiser import learning_rate  # noqa: E402
from napari_lesion.training.engine.ranks import Ranks  # noqa: E402
from napari_lesion.training.recipes import detector as train  # noqa: E402
from napari_lesion.training.recipes.detector_loss import nodule_loss  # noqa: E402
from napari_lesion.training.recipes.detector_validation import ValidationScan  # noqa: E402

SIZE = 64


def cut(background: Background, at: int) -> Background:
    """A cube of 64 mm out of a background."""
    middle = [int(n) for n in background.inside[at]]
    low = [min(max(m - SIZE // 2, 0), n - SIZE) for m, n in zip(middle, background.hu.shape, strict=True)]
    part = tuple(slice(a, a + SIZE) for a in low)
    layers = {name: getattr(background, name)[part] for name in ("hu", "depth", "search", "ignore", "beside_gas")}
    points = {}
    for name in ("inside", "surface"):
        moved = getattr(background, name) - np.array(low)
        points[name] = moved[((moved >= 0) & (moved < SIZE)).all(1)]
    return replace(background, name=f"part-{at}", **layers, **points)


def validation_scan(background: Background) -> ValidationScan:
    """A scan with one bright ball."""
    hu = background.hu.copy()
    hu[20:28, 20:28, 20:28] = 50
    return ValidationScan(
        "1.2",
        hu,
        background.search,
        background.beside_gas,
        np.eye(4),
        (Mark("1.2", (24.0, 24.0, 24.0), 16.0),),
        (),
    )


def forked(work: Callable[[], object]) -> int:
    """Do work in a process of its own; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.alarm(600)
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def ended(pid: int) -> int:
    """Wait for a process; its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dies(*_: object, **__: object) -> None:
    """Die as by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_at(step: int, what: str = "training") -> Callable[[int, int, str], None]:
    """Die when the progress comes to a step."""

    def progress(done: int, total: int, text: str) -> None:
        if done == step and text.startswith(what):
            dies()

    return progress


def run_of_two(config: Path, out: Path, other: Path, die_at: int | None = None, *, resume: bool = False) -> list[int]:
    """Run two processes with the environment that torchrun gives; the second has a folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def process(rank: int) -> None:
        os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1")
        os.environ["MASTER_PORT"] = str(port)
        if die_at is not None and rank == 1:
            taken = engine.take_step

            def take_step(run: Run) -> dict[str, float]:
                if run.trainer.step == die_at:
                    dies()
                return taken(run)

            engine.take_step = take_step
        train.run(config, (out, other)[rank], resume=resume)

    return [ended(pid) for pid in [forked(lambda rank=rank: process(rank)) for rank in (0, 1)]]


def documented(config_path: Path, backgrounds: list[Background], steps: int, out: Path) -> None:
    """What docs/training.md says of two processes, in one: mean gradient, statistics of the first one."""
    config = read_config(config_path)
    split = make_split(config)
    recipes = [train.DetectorRecipe(config, split, backgrounds, ranks=Ranks(rank)) for rank in (0, 1)]
    one, two = (begin(recipe, ranks=Ranks(rank)) for rank, recipe in enumerate(recipes))
    for step in range(steps):
        two.trainer.network.load_state_dict(one.trainer.network.state_dict())
        for state in (one, two):
            state.trainer.network.train()
            batch = state.recipe.batches.draw()
            nodule_loss(state.trainer.network(batch.image), batch).total.backward()
        pairs = zip(one.trainer.network.parameters(), two.trainer.network.parameters(), strict=True)
        for ours, theirs in pairs:
            ours.grad = (ours.grad + theirs.grad) / 2
            theirs.grad = None
        torch.nn.utils.clip_grad_norm_(one.trainer.network.parameters(), config.optimiser.gradient_norm)
        for group in one.trainer.optimiser.param_groups:
            group["lr"] = learning_rate(step, config.steps, config.optimiser)
        one.trainer.optimiser.step()
        one.trainer.optimiser.zero_grad()
    torch.save(one.trainer.network.state_dict(), out)


def main(folder: Path) -> None:
    """Make all the runs."""
    lesion = {"index": [24, 50, 40], "radius_mm": 10}
    data = {"nodules": "nodules", "insert_share": 0.3, "backgrounds": [{"path": "train", "lesions": [lesion]}]}
    common = {"data": data, "dropout": 0.2, "steps": 9, "checkpoint_every": 3, "mine_every": 4, "seed": 7}
    optimiser = {"learning_rate": 0.01, "warmup_steps": 2, "schedule": "plateau", "plateau_patience": 1}
    validated = {"every": 2, "patience": 3}
    config = write_project(folder / "project", **common, optimiser=optimiser, validation=validated)
    backgrounds = load_backgrounds(read_config(config))
    backgrounds = [cut(backgrounds[0], 0), cut(backgrounds[0], 50)]
    scans = [validation_scan(backgrounds[0])]
    train.load_backgrounds = lambda *_, **__: backgrounds
    train._validation_scans = lambda config, *_: scans if config.validation else []
    # Both import much when they are first used.
    torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])
    draw_curves(folder / "warm.png", [{"step": 1, "loss": 1, "learning_rate": 1}], [], "cpm")

    assert ended(forked(lambda: train.run(config, folder / "whole"))) == 0
    parts = folder / "parts"
    statuses = [ended(forked(lambda: train.run(config, parts, progress=dies_at(2))))]

    def killed_while_writing() -> None:
        kept = torch.save

        def half(content: dict, path: Path) -> None:
            kept(content, path)
            if content["learner"]["step"] == 6:
                os.truncate(path, path.stat().st_size // 2)
                dies()

        torch.save = half
        train.run(config, parts, resume=True)

    statuses.append(ended(forked(lambda: train.run(config, parts, resume=True, progress=dies_at(4, "searching")))))
    statuses.append(ended(forked(killed_while_writing)))
    statuses.append(ended(forked(lambda: train.run(config, parts, resume=True, progress=dies_at(6, "validating")))))
    statuses.append(ended(forked(lambda: train.run(config, parts, resume=True, progress=dies_at(7)))))
    statuses.append(ended(forked(lambda: train.run(config, parts, resume=True))))
    (folder / "statuses.txt").write_text(" ".join(map(str, statuses)))

    two = {**common, "steps": 3, "mine_every": 2, "checkpoint_every": 1, "dropout": 0.0}
    config = write_project(folder / "two-project", **two, optimiser={"learning_rate": 0.01, "warmup_steps": 0})
    pair = run_of_two(config, folder / "two", folder / "second")
    pair += run_of_two(config, folder / "two-parts", folder / "two-parts", die_at=2)
    pair += run_of_two(config, folder / "two-parts", folder / "two-parts", resume=True)
    pair.append(ended(forked(lambda: train.run(config, folder / "two-parts", resume=True))))
    (folder / "two-statuses.txt").write_text(" ".join(map(str, pair)))
    plain = write_project(folder / "plain-project", **{**two, "mine_every": 0}, optimiser={"learning_rate": 0.01})
    assert run_of_two(plain, folder / "plain", folder / "plain") == [0, 0]
    assert ended(forked(lambda: documented(plain, backgrounds, 3, folder / "documented.pt"))) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))

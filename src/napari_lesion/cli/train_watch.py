"""``napari-lesion train --watch``: a training run that goes on in another process, seen from a terminal."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from napari_lesion.cli.console import print_error, print_line, show_progress
from napari_lesion.support.errors import OptionError
from napari_lesion.training.engine import run_folder
from napari_lesion.training.run_status import LOG_FILE, WatchedRun, look_at, start

_EVERY_S = 1.0
_QUIET_S = 10.0
_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 60


def request(out: Path, what: run_folder.Request) -> None:
    """Ask a run to pause or to stop; it does after its next step.

    Raises
    ------
    OptionError
        If it is not going on.
    """
    run = look_at(out)
    if not run.alive:
        raise OptionError(f"The run in {out} is not going on ({run.status.state}), so there is nothing to {what}.")
    run_folder.ask(out, what)
    print_line(f"Asked the run in {out} to {what}; it does after its next step.")


def go_on(out: Path, *, resume: bool) -> None:
    """Let a run that pauses go on, or take up one that was stopped, here.

    Raises
    ------
    OptionError
        If that was not asked for, or the run is going on.
    """
    if not resume:
        raise OptionError("Name a configuration to train from, or pass --watch, --pause, --stop or --resume.")
    run = look_at(out)
    if run.status.state == "paused":
        run_folder.withdraw(out)
        print_line(f"The run in {out} goes on.")
        return
    if run.alive:
        raise OptionError(f"The run in {out} is going on already.")
    from napari_lesion.training.train import train

    with show_progress() as progress:
        package = train(out / "config.yaml", out, resume=True, progress=progress)
    print_line(f"The model is in {package}.")


def start_and_watch(config: Path | None, out: Path, *, resume: bool) -> None:
    """Show a run until it ends, or until Ctrl-C, which leaves it alone; start it first where that is asked for.

    Raises
    ------
    OptionError
        If it cannot be started.
    """
    if config is not None or resume:
        start(config or out / "config.yaml", out, resume=resume)
        print_line(f"The run goes on when you stop watching. Stop it: napari-lesion train --stop -o {out}")
    try:
        run = _show(out)
    except KeyboardInterrupt:
        print_line(f"The run in {out} goes on. Watch it: napari-lesion train --watch -o {out}")
        return
    print_line("\n".join(lines_of(run)))
    if run.status.state == "failed":
        raise OptionError(f"The run in {out} failed: {run.status.what} {LOG_FILE} there may say more.")


def _show(out: Path) -> WatchedRun:
    if not sys.stderr.isatty():
        said = 0.0
        while (run := look_at(out)).alive:
            if time.monotonic() - said >= _QUIET_S:
                said = time.monotonic()
                print_error(lines_of(run)[0])
            time.sleep(_EVERY_S)
        return run
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=4) as live:
        while (run := look_at(out)).alive:
            live.update(Text("\n".join(lines_of(run)), overflow="ellipsis", no_wrap=True))
            time.sleep(_EVERY_S)
    return run


def lines_of(run: WatchedRun) -> list[str]:
    """Say how far a run is: its state, the curve of its loss and rate, and its validations."""
    status = run.status
    of = f"{status.step}/{status.steps}" if status.steps else "before the first step"
    first = f"{status.state}, {of}" + (f": {status.what}" if status.what and status.state != "failed" else "")
    lines = [first + _left(run)]
    for name, label in (("loss", "loss"), ("learning_rate", "rate")):
        values = [float(row[name]) for row in run.steps if name in row]
        if values:
            lines.append(f"{label:<5} {curve(values)} {values[-1]:.3g}")
    if run.measure:
        values = [float(row[run.measure]) for row in run.validations]
        best = run.best
        assert best is not None
        lines.append(f"{run.measure:<5} {curve(values)} {values[-1]:.3f}, best {best[1]:.3f} at step {best[0]}")
    if run.mistakes:
        lines.append(f"what it gets wrong: {run.mistakes}")
    if run.model:
        lines.append(f"the model: {run.model}")
    return lines


def _left(run: WatchedRun) -> str:
    recent = [float(row["seconds"]) for row in run.steps[-50:] if "seconds" in row]
    if run.status.state != "training" or not recent:
        return ""
    seconds = (run.status.steps - run.status.step) * sum(recent) / len(recent)
    return f", some {seconds / 60:.0f} minutes left" if seconds < 5400 else f", some {seconds / 3600:.1f} hours left"


def curve(values: list[float]) -> str:
    """Draw values as a line of blocks: means of as many stretches as there is room for, the lowest one empty."""
    count = min(_COLUMNS, len(values))
    edges = [round(n * len(values) / count) for n in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(_BARS[round((one - low) / span * (len(_BARS) - 1))] for one in means)

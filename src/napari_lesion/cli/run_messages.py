"""What `analyse` prints of its run: sentences, or lines of JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_lesion.cli.console import print_line
from napari_lesion.cli.live import as_json

if TYPE_CHECKING:
    from napari_lesion.batch import BatchResult, Plan, Status
    from napari_lesion.batch.monitor import Monitor
    from napari_lesion.report.summary import SeriesOutcome


class RunMessages:
    """Prints what is to be done, what became of each series, and how many there are of each.

    Parameters
    ----------
    machine : bool
        In lines of JSON.
    """

    def __init__(self, *, machine: bool) -> None:
        self._machine = machine
        self.monitor: Monitor | None = None
        """Shows the same in a browser."""

    def show_outcome(self, one: SeriesOutcome) -> None:
        """Print what became of a series."""
        if self.monitor is not None:
            self.monitor.add(one)
        if self._machine:
            as_json("series", **vars(one))
            return
        name = one.series_description or one.modality
        what = f"{one.series_uid or one.source or 'a path'}{f' ({name})' if name else ''}"
        if one.status != "done":
            print_line(f"{one.status:8} {what}: {one.reason}")
            return
        best = f", best score {one.best_score:.2f}" if one.best_score is not None else ""
        kept = f" ({one.reason.rstrip('.')})" if one.reason else ""
        category = f", Lung-RADS {one.lung_rads}" if one.lung_rads else ""
        since = f", compared with {', '.join(one.priors)}" if one.priors else ""
        print_line(f"done     {what}: {one.findings} findings{best}{category}{since}{kept}")
        for warning in one.warnings:
            print_line(f"         warning: {warning}")

    def status_to(self, show: Callable[[Status], None]) -> Callable[[Status], None]:
        """Make a function that shows how far the run is there, and in the browser."""

        def both(status: Status) -> None:
            show(status)
            if self.monitor is not None:
                self.monitor.show(status)

        return both

    def show_plan(self, plan: Plan) -> None:
        """Print what the run will do, where it goes on from an earlier one."""
        if self._machine:
            as_json("plan", series=len(plan.steps), to_do=len(plan.to_do), left=plan.left, interrupted=plan.interrupted)
        elif any(step.is_left for step in plan.steps) or plan.interrupted:
            print_line(str(plan))

    def show_steps(self, plan: Plan) -> None:
        """Print what a run would do with each series."""
        if self._machine:
            self.show_plan(plan)
        for step in plan.steps:
            what = "analyse" if not step.is_left else "keep" if step.entry.state == "done" else "leave"
            uid, state = step.job.series.identity.series_uid, step.entry.state
            if self._machine:
                as_json("step", series_uid=uid, what=what, state=state)
            else:
                print_line(f"{what:8} {uid}{f' ({state})' if step.is_left else ''}")
        if not self._machine:
            print_line(f"{plan} Nothing was written.")

    def show_end(self, result: BatchResult, where: str) -> None:
        """Print how many series there are of each kind, and where the results are."""
        done, skipped, failed = (result.count(status) for status in ("done", "skipped", "failed"))
        files = len(result.skipped_files)
        if self._machine:
            as_json("end", done=done, skipped=skipped, failed=failed, files_of_no_series=files)
            return
        print_line(f"{done} done, {skipped} skipped, {failed} failed; {files} files are part of no series.")
        print_line(f"Results are in {where}. For research use only.")

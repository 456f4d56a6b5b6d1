"""The reviews of the scans that are open in one viewer, each with its journal on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_lesion.assessment.patient.clinical import patient_of
from napari_lesion.model.assessed import Patient
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import scan_name
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.review.carry_over import carried_over
from napari_lesion.review.journal import Journal, journal_path, take_over_earlier
from napari_lesion.review.review import Provenance, Review, unsearched
from napari_lesion.support.errors import ConfigError, SecurityError
from napari_lesion.support.journal_file import is_there


class Reviews:
    """Holds what was done to findings. When a change returns, it is on disk."""

    def __init__(self) -> None:
        self._reviews: dict[Path, Review] = {}
        """By journal, so that a scan that was opened twice has one review."""
        self._journals: dict[Path, Journal] = {}

    def of(self, volume: Volume) -> Review | None:
        """Get the review of a scan; None where nobody has searched it."""
        return self._reviews.get(journal_path(volume))

    def change(self, volume: Volume, function: Callable[[Review, Provenance], Review], by: Provenance) -> Review | None:
        """Change the review of a scan, and return what it is then; None where that is what it was.

        Raises
        ------
        ConfigError
            If the change makes no sense, or can't be written down; nothing is changed then.
        """
        journal = self._journal(volume)
        old = self._reviews.get(journal.path)
        new = function(Review(unsearched(volume)) if old is None else old, by)
        if new is old or not (new.changes or new.undone or old):
            return None
        if old is None:
            journal.begin(new, by)
        else:
            journal.record(old, new, by)
        self._reviews[journal.path] = new
        return new

    def begin(self, volume: Volume, report: Report, by: Provenance) -> Review:
        """Begin the review of a report; what the reader did to an earlier one of the scan is carried over.

        Raises
        ------
        ConfigError
            If the report is of another series, or the journal can't be written; nothing is changed then.
        """
        if report.patient == Patient():  # of an earlier version, which did not ask
            report = report.model_copy(update={"patient": patient_of(volume.series)})
        journal = self._journal(volume)
        new = carried_over(self._reviews.get(journal.path, Review(unsearched(volume))), report, by)
        journal.begin(new, by)
        self._reviews[journal.path] = new
        return new

    def recover(self, volume: Volume) -> None:
        """Bring the review of a scan back, after a crash or in a later session."""
        if journal_path(volume) not in self._journals:
            try:
                take_over_earlier(volume)
                if is_there(journal_path(volume)):
                    self._journal(volume)
            except (ConfigError, SecurityError) as error:
                show_warning(sentence(error))

    def let_go(self, volume: Volume) -> None:
        """Forget the review of a scan that was closed; its journal has it."""
        path = journal_path(volume)
        self._reviews.pop(path, None)
        if journal := self._journals.pop(path, None):
            journal.close()

    def _journal(self, volume: Volume) -> Journal:
        """Get the journal of a scan; when it is taken up, the review that is in it comes back."""
        path = journal_path(volume)
        if path in self._journals:
            return self._journals[path]
        journal = self._journals[path] = Journal(path, volume.series)
        try:
            review = journal.recover()
        except SecurityError:  # encrypted, and no key is there: it is whole, and waits for one
            self._journals.pop(path).close()
            raise
        except ConfigError as error:
            aside = journal.set_aside()
            show_warning(
                tr(
                    "{error} The review cannot come back; its journal is kept as {file}.",
                    error=sentence(error),
                    file=aside,
                )
            )
            return journal
        if journal.warning:
            show_warning(journal.warning)
        if review is not None:
            self._reviews[path] = review
            show_info(
                tr(
                    "Your findings of {scan} are back as you left them, with {count} changes.",
                    scan=scan_name(volume.series),
                    count=len(review.changes),
                )
            )
        return journal

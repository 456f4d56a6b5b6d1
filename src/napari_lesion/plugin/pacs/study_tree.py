"""Studies that an archive has found, with their series, as a tree."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_lesion.model.volume import readable_date
from napari_lesion.pacs.records import SeriesRecord, StudyRecord
from napari_lesion.plugin.texts import tr
from napari_lesion.support.plain import one_line


class StudyRow(QTreeWidgetItem):
    """A study, or a series in it."""

    def __init__(
        self, parent: QTreeWidget | QTreeWidgetItem, study: StudyRecord, series: SeriesRecord | None = None
    ) -> None:
        super().__init__(parent)
        self.study, self.series = study, series
        images = series.instances if series is not None else study.instances
        self.setText(1, str(images) if images is not None else "")

    def wanted(self) -> tuple[str, ...]:
        """Series to fetch, none where all of the study: with a report the outlines that it may refer to."""
        if self.series is None:
            return ()
        parent = self.parent()
        beside = [parent.child(number) for number in range(parent.childCount())] if self.series.modality == "SR" else []
        series = [one.series for one in beside if isinstance(one, StudyRow) and one.series is not None]
        outlines = [one.series_uid for one in series if one.modality == "SEG"]
        return (self.series.series_uid, *outlines)


class StudyTree(QTreeWidget):
    """Shows what was found; a study that is unfolded asks for its series."""

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderLabels([tr("Study"), tr("Images")])
        self.setAccessibleName(tr("Studies that were found"))
        self.setToolTip(tr("A double click on a series fetches and opens it: a scan, then its report or outlines"))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    @property
    def chosen(self) -> StudyRow | None:
        """The row that is chosen."""
        row = self.currentItem()
        return row if isinstance(row, StudyRow) else None

    def show_studies(self, studies: Sequence[StudyRecord], names: bool) -> None:
        """Show other studies."""
        self.clear()
        for study in studies:
            row = StudyRow(self, study)
            row.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
        self.name_studies(names)

    def name_studies(self, names: bool) -> None:
        """Show whose the studies are, unless names are hidden: then what they are, as in the series browser."""
        for number in range(self.topLevelItemCount()):
            row = self.topLevelItem(number)
            if not isinstance(row, StudyRow):
                continue
            study = row.study
            who = (
                readable_date(study.date),
                study.patient_name.replace("^", " ").strip(),
                study.patient_id,
                readable_date(study.birth_date),
            )
            shown = who if names else (tr("Names hidden"),)
            parts = (*shown, "/".join(study.modalities), study.description)
            row.setText(0, " · ".join(one_line(part) for part in parts if part))
            row.setToolTip(0, row.text(0))

    def show_series(self, row: StudyRow, found: Sequence[SeriesRecord]) -> bool:
        """Show the series of a study; False where others were searched for meanwhile."""
        if self.indexOfTopLevelItem(row) < 0:
            return False
        for series in found:
            parts = (series.number, series.modality, series.description, series.body_part)
            StudyRow(row, row.study, series).setText(0, " · ".join(one_line(part) for part in parts if part))
        return True

"""The slider of the reporting threshold: in false findings a scan, or in scores where a model knows no better."""

from __future__ import annotations

import math

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget
from superqt import QDoubleSlider

from napari_lesion.detection.operating_points import false_positives_at, rates_of, score_at
from napari_lesion.models.card import Card
from napari_lesion.plugin.texts import tr

_OCTAVE_STEP = 0.25
_SCORE_STEP = 0.01


class ThresholdSlider(QWidget):
    """Chooses the score from which on findings are shown; further to the right there are always more of them.

    With a card that has operating points the slider is logarithmic in false positives a scan. ``value`` and
    ``setValue`` are scores in either case.
    """

    valueChanged = Signal(float)  # noqa: N815 - as Qt's own sliders have it
    """The score, when it changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card: Card | None = None
        self._score = 0.5
        self.slider = QDoubleSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]
        self.slider.setAccessibleName(tr("How many findings are shown"))
        self.label = QLabel()
        self.label.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(QLabel(tr("Fewer")))
        row.addWidget(self.slider, 1)
        row.addWidget(QLabel(tr("More")))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self.label)
        self.slider.valueChanged.connect(self._on_moved)
        self.set_card(None)

    def set_card(self, card: Card | None) -> None:
        """Take over the operating points of a model and its default threshold; no signal is emitted."""
        self._card = card
        reach = rates_of(card) if card is not None else None
        with QSignalBlocker(self.slider):
            if reach is not None:
                self.slider.setRange(math.log2(reach[0]), math.log2(reach[1]))
                self.slider.setSingleStep(_OCTAVE_STEP)
                self.setToolTip(
                    tr("Findings with a lower score are hidden; nothing is searched again.")
                    + " "
                    + tr(
                        "False findings were counted on the model's validation scans: other scanners and patients may "
                        "give more."
                    )
                )
            else:
                self.slider.setRange(-1, 0)
                self.slider.setSingleStep(_SCORE_STEP)
                self.setToolTip(tr("Findings with a lower score are hidden; nothing is searched again."))
        self._show(card.threshold if card is not None else self._score)

    @property
    def card(self) -> Card | None:
        """Of the model whose scores these are."""
        return self._card

    def value(self) -> float:
        """Score from which on findings are shown."""
        return self._score

    def false_positives(self) -> float | None:
        """Give the rate to expect at this score; None where the model does not say."""
        return false_positives_at(self._card, self._score) if self._card is not None else None

    def setValue(self, score: float) -> None:  # noqa: N802 - as Qt's own sliders have it
        """Set the score; one that the operating points do not reach is kept, with the slider at its end."""
        if score != self._score:
            self._show(score)
            self.valueChanged.emit(score)

    def _show(self, score: float) -> None:
        self._score = score
        self._place()
        self._show_threshold()

    def _place(self) -> None:
        """Put the handle where the score is."""
        if not self._speaks_of_rates:
            position = -self._score
        elif (rate := self.false_positives()) is not None:
            position = math.log2(rate)
        else:  # beyond the ends: fewer false findings than the left one, more than the right one
            assert self._card is not None
            above = self._score > self._card.operating_points[0][1]
            position = self.slider.minimum() if above else self.slider.maximum()
        with QSignalBlocker(self.slider):
            self.slider.setValue(position)

    def _on_moved(self, position: float) -> None:
        if self._speaks_of_rates:
            assert self._card is not None
            low, high = rates_of(self._card) or (0.0, math.inf)
            score = score_at(self._card, min(max(2.0**position, low), high))
        else:
            score = round(abs(position), 2)
        self._score = score
        self._show_threshold()
        self.valueChanged.emit(score)

    @property
    def _speaks_of_rates(self) -> bool:
        return self._card is not None and rates_of(self._card) is not None

    def _show_threshold(self) -> None:
        score = f"{self._score:.2f}"
        rate = self.false_positives()
        if rate is not None:
            text = tr("Expects {rate} (score ≥ {score})", rate=rate_in_words(rate), score=score)
        elif self._speaks_of_rates:
            text = tr("Shows score ≥ {score}: how many false findings to expect there was not measured", score=score)
        elif self._card is not None:
            text = tr(
                "Shows score ≥ {score}; for {model} the rate of false findings is not known",
                score=score,
                model=self._card.id,
            )
        else:
            text = tr("Shows score ≥ {score}", score=score)
        self.label.setText(text)


def rate_in_words(false_positives: float) -> str:
    """Put a rate of false findings as people say it, as ``operating.in_words`` does in English."""
    if f"{false_positives:.2g}" == "1":
        return tr("about 1 false finding a scan")
    if false_positives > 1:
        return tr("about {rate} false findings a scan", rate=f"{false_positives:.2g}")
    return tr("about 1 false finding in {scans} scans", scans=f"{1 / false_positives:.2g}")

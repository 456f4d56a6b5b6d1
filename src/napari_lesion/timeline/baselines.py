"""What a model over all dates has to beat: size, Brock, doubling times, and a logistic regression on the last visit.

Each is a logistic regression on its own numbers, fitted to the same lesions for each horizon (who was lost before it
stands in by the weights of `metrics`). So each is calibrated as well as it can be, and what differs is what it knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from napari_lesion.assessment.guidelines.bts import FAST_DAYS, SLOW_DAYS
from napari_lesion.timeline.cohort import brock_logit
from napari_lesion.timeline.course import GROWN, YEAR, Floats, Outcome, Prefix, Visit, last_volume, slope
from napari_lesion.timeline.metrics import weights_at

_TYPICAL = math.log(150.0)
"""Of a volume, mm³, where none was measured."""


def last_said(visits: tuple[Visit, ...], name: str) -> object:
    """Give what was last said of a lesion's look; None where nothing was."""
    return next((said for one in reversed(visits) if (said := getattr(one, name)) is not None), None)


def _volume(known: Prefix) -> float:
    volume = last_volume(known.visits)
    return _TYPICAL if math.isnan(volume) else volume


def _size(known: Prefix) -> list[float]:
    return [_volume(known)]


def brock_of(known: Prefix) -> float:
    """Sum of the Brock model at the last visit."""
    course = known.course
    size = last_said(known.visits, "longest_mm")
    return brock_logit(
        float(size) if isinstance(size, float | int) else (6 * math.exp(_TYPICAL) / math.pi) ** (1 / 3),
        last_said(known.visits, "type"),  # type: ignore[arg-type]
        bool(last_said(known.visits, "spiculated")),
        course.upper_lobe,
        course.count,
        course.person,
    )


def _doubling(known: Prefix) -> list[float]:
    """Class of the doubling time since the last volume before, by BTS; without one, of the volume, by NELSON."""
    measured = [one for one in known.visits if not math.isnan(one.log_volume)]
    if len(measured) < 2 or measured[-1].day == measured[-2].day:
        volume = math.exp(_volume(known))
        return [float(one) for one in (volume >= 100, volume >= 300, 0, 0, 0, 0)]
    more, days = measured[-1].log_volume - measured[-2].log_volume, measured[-1].day - measured[-2].day
    doubling = days * math.log(2) / more if more >= GROWN else math.inf
    classes = (doubling < math.inf, doubling <= SLOW_DAYS, doubling < FAST_DAYS)
    return [0.0, 0.0, 1.0, *(float(one) for one in classes)]


def _growth(known: Prefix) -> list[float]:
    """Growth a year since the last volume before and through all dates, and whether there is any."""
    measured = [one for one in known.visits if not math.isnan(one.log_volume)]
    line = slope(known.visits)
    if math.isnan(line):
        return [0.0, 0.0, 0.0, 0.0]
    more, years = measured[-1].log_volume - measured[-2].log_volume, (measured[-1].day - measured[-2].day) / YEAR
    return [1.0, float(np.clip(more, -2, 2)), float(np.clip(line, -3, 3)), min(years, 2.0)]


def _last_visit(known: Prefix) -> list[float]:
    person, course = known.course.person, known.course
    kind = last_said(known.visits, "type")
    return [
        _volume(known),
        *_growth(known),
        float(kind == "part-solid"),
        float(kind == "non-solid"),
        *(
            _told(one)
            for one in (
                last_said(known.visits, "spiculated"),
                course.upper_lobe,
                person.female,
                person.family_history,
                person.emphysema,
            )
        ),
        ((person.age_years or 62) - 62) / 10,
        min(course.count or 1, 8) / 4,
    ]


def _told(said: object) -> float:
    return 0.0 if said is None else 1.0 if said else -1.0


BASELINES: Mapping[str, Callable[[Prefix], list[float]]] = MappingProxyType(
    {
        "the same for all": lambda _known: [0.0],
        "volume": _size,
        "Brock": lambda known: [brock_of(known)],
        "doubling time": _doubling,
        "logistic, last visit and growth": _last_visit,
    }
)
"""What each knows of a lesion."""


@dataclass(frozen=True)
class Fitted:
    """A baseline that was fitted.

    Attributes
    ----------
    name : str
    mean, scale : (features,)
    weights : (horizons, features + 1)
        The intercept first.
    """

    name: str
    mean: Floats
    scale: Floats
    weights: Floats

    def risk(self, known: tuple[Prefix, ...]) -> Floats:
        """Chance of the event by each horizon; (n, horizons), never falling with the horizon."""
        x = (_table(self.name, known) - self.mean) / self.scale
        logits = self.weights[:, 0] + x @ self.weights[:, 1:].T
        risk: Floats = np.maximum.accumulate(1 / (1 + np.exp(-logits)), axis=1)
        return risk


def fit_baseline(name: str, known: tuple[Prefix, ...], outcome: Outcome, horizons: tuple[float, ...]) -> Fitted:
    """Fit a baseline to lesions whose outcome is known, for each horizon (years)."""
    from sklearn.linear_model import LogisticRegression

    table = _table(name, known)
    mean, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6)
    rows = []
    for horizon in horizons:
        weights, event = weights_at(outcome, horizon)
        counts = weights > 0
        fitted = LogisticRegression(C=10.0, max_iter=2000)
        fitted.fit(((table - mean) / scale)[counts], event[counts], weights[counts])
        rows.append([float(fitted.intercept_[0]), *fitted.coef_[0]])
    return Fitted(name, mean, scale, np.array(rows))


def _table(name: str, known: tuple[Prefix, ...]) -> Floats:
    return np.array([BASELINES[name](one) for one in known], dtype=np.float64)

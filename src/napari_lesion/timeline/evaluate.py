"""How good models of a lesion's risk are on persons that none of them has learned from, with intervals over persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from napari_lesion.evaluation.resampling import Floats, drawn_scans, interval
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.timeline import metrics
from napari_lesion.timeline.baselines import BASELINES, Fitted, fit_baseline
from napari_lesion.timeline.course import OUTCOMES, Course, Outcome, Prefix, prefixes

HORIZONS = (1.0, 2.0, 3.0)
"""Years after a visit for which risks are told."""
VISITS = (1, 2, 3)
"""After which visit models are compared: 1 is the first."""
REFERENCE = "logistic, last visit and growth"
"""The baseline that the others are compared with."""
About = Literal["cancer", "growth"]
_TENTHS = 10


class Predictor(Protocol):
    """A model of risk."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def risk(self, known: tuple[Prefix, ...]) -> Floats:
        """Chance of the event by each of `HORIZONS`; (n, horizons)."""
        ...


@dataclass(frozen=True)
class Measured:
    """A number with its 95 % interval over persons."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Give what a table shows."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Score:
    """How good a model is after a visit.

    Attributes
    ----------
    visit : int
    model : str
    persons, lesions, events : int
        Behind it: lesions that were watched after the visit, and events at any time after it.
    values : mapping
        By name: those of `measures`.
    change : mapping
        The same less that of `REFERENCE`; empty for the reference itself.
    """

    visit: int
    model: str
    persons: int
    lesions: int
    events: int
    values: Mapping[str, Measured] = field(repr=False)
    change: Mapping[str, Measured] = field(repr=False)


def measures(outcome: Outcome, risk: Floats, counts: Floats | None = None) -> dict[str, float]:
    """Measure risks (n, horizons); more is better for AUC and C-index, less for the Brier score.

    ``expected / observed`` is 1 for a model that is right on average after two years.
    """
    share = metrics.observed(outcome, HORIZONS[1], counts)
    mean = float(np.average(risk[:, 1], weights=counts))
    return {
        "AUC, 1 year": metrics.auc(outcome, risk[:, 0], HORIZONS[0], counts),
        "AUC, 2 years": metrics.auc(outcome, risk[:, 1], HORIZONS[1], counts),
        "C-index, 3 years": metrics.c_index(outcome, risk[:, 1], HORIZONS[2], counts),
        "Brier, 2 years": metrics.brier(outcome, risk[:, 1], HORIZONS[1], counts),
        "expected / observed": mean / share if share > 0 else float("nan"),
    }


def learned(courses: tuple[Course, ...], about: About) -> tuple[Fitted, ...]:
    """Fit all baselines to lesions, after each of their visits."""
    known = prefixes(courses)
    outcome = OUTCOMES[about](known)
    if not known or not outcome.event.any():
        raise InputFileError(f"None of {len(known)} visits has {about} after it: there is nothing to learn from.")
    return tuple(fit_baseline(name, known, outcome, HORIZONS) for name in BASELINES)


def refuse_known(learned_from: Set[str], tested_on: Sequence[Course]) -> None:
    """Refuse to test on persons that were learned from.

    Raises
    ------
    InputFileError
    """
    both = learned_from & {one.person.id for one in tested_on}
    if both:
        raise InputFileError(
            f"{len(both)} persons are both in the cohort that is tested on and in that which was learned from. Test on "
            "others."
        )


def evaluate(
    courses: tuple[Course, ...],
    models: Sequence[Predictor],
    about: About = "cancer",
    *,
    times: int = 200,
    progress: Progress = silent,
) -> tuple[Score, ...]:
    """Compare models after each of `VISITS`.

    Parameters
    ----------
    courses : tuple of Course
        Of persons that no model has seen.
    models : sequence of Predictor
    about : str
    times : int
        How often persons are drawn again.
    progress : Progress
    """
    scores: list[Score] = []
    for n, visit in enumerate(VISITS):
        known = prefixes(courses, visit)
        outcome = OUTCOMES[about](known)
        if not outcome.event.any():
            continue
        persons = [one.course.person.id for one in known]
        risks = {one.name: one.risk(known) for one in models}
        values = {name: measures(outcome, risk) for name, risk in risks.items()}
        again: dict[str, list[dict[str, float]]] = {name: [] for name in risks}
        for m, counts in enumerate(drawn_scans(persons, times).astype(np.float64)):
            progress(n * times + m, len(VISITS) * times, "drawing persons again")
            there = counts > 0
            for name, risk in risks.items():
                again[name].append(measures(outcome[there], risk[there], counts[there]))
        of = (len(set(persons)), len({one.course.lesion for one in known}), int(outcome.event.sum()))
        scores += [_score(visit, name, of, values, again) for name in risks]
    return tuple(scores)


def _score(
    visit: int,
    name: str,
    of: tuple[int, int, int],
    values: Mapping[str, dict[str, float]],
    again: Mapping[str, list[dict[str, float]]],
) -> Score:
    drawn = {one: np.array([draw[one] for draw in again[name]]) for one in values[name]}
    own = {one: Measured(value, *interval(drawn[one])) for one, value in values[name].items()}
    change: dict[str, Measured] = {}
    if name != REFERENCE and REFERENCE in values:
        for one, value in values[name].items():
            base = np.array([draw[one] for draw in again[REFERENCE]])
            change[one] = Measured(value - values[REFERENCE][one], *interval(drawn[one] - base))
    return Score(visit, name, *of, own, change)


@dataclass(frozen=True)
class Tenth:
    """A tenth of the lesions, by their risk within two years: what was told, and what came."""

    lesions: int
    expected: float
    observed: float


def reliability(courses: tuple[Course, ...], model: Predictor, about: About = "cancer") -> tuple[Tenth, ...]:
    """Compare the risk within two years with what came, by tenths of the risk, after all visits."""
    known = prefixes(courses)
    outcome, risk = OUTCOMES[about](known), model.risk(known)[:, 1]
    groups = np.array_split(np.argsort(risk, kind="stable"), _TENTHS)
    return tuple(
        Tenth(len(one), float(risk[one].mean()), metrics.observed(outcome[one], HORIZONS[1]))
        for one in groups
        if len(one)
    )

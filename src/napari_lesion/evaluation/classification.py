"""How good a classifier is: accuracy, precision, recall, F1, ROC, and whether its scores are shares of true cases."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_lesion.detection.calibration import Reliability, reliability
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measure:
    """A number with its 95 % interval (bootstrap over cases, or over groups of cases)."""

    name: str
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Classification:
    """Scores of a classifier held against labels."""

    cases: int
    positives: int
    threshold: float
    measures: tuple[Measure, ...]
    """``accuracy``, ``precision``, ``recall``, ``specificity``, ``F1`` at the threshold; ``ROC AUC``, ``PR AUC``."""
    confusion: tuple[tuple[int, int], tuple[int, int]]
    """((true negative, false positive), (false negative, true positive))."""
    reliability: Reliability
    roc: tuple[Floats, Floats] = field(repr=False)
    """False positive rate, true positive rate."""
    precision_recall: tuple[Floats, Floats] = field(repr=False)
    """Recall, precision."""

    def __getitem__(self, name: str) -> float:
        """Value of a measure."""
        return next(measure.value for measure in self.measures if measure.name == name)


def load_scores(path: Path) -> tuple[Flags, Floats, npt.NDArray[np.str_] | None]:
    """Read a table with the columns ``label`` (0 or 1), ``score`` (0 to 1) and, optionally, ``group`` (a patient).

    Raises
    ------
    InputFileError
        If a column is missing or a value is wrong; it names the line.
    """
    labels, scores, groups = [], [], []
    table = read_table(path, ("label", "score"))
    for number, row in table.rows():
        label, text = row["label"], row["score"]
        try:
            score = table.number(row, "score")
        except ValueError:
            score = math.nan
        if label not in ("0", "1") or not 0 <= score <= 1:
            raise InputFileError(
                f"{path}: line {number}: label {label!r} and score {text!r}; a label is 0 or 1, and a score lies "
                "between 0 and 1."
            )
        labels.append(label == "1")
        scores.append(score)
        groups.append(row.get("group", ""))
    known = np.array(groups) if "group" in table.columns else None
    return np.array(labels, bool), np.array(scores, np.float64), known


def classify(
    label: Flags,
    score: Floats,
    *,
    threshold: float = 0.5,
    group: npt.NDArray[np.str_] | None = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> Classification:
    """Hold scores against labels.

    Parameters
    ----------
    label : (n,) bool
    score : (n,)
        In [0, 1]; a case is called positive from the threshold on.
    threshold : float
    group : (n,) str, optional
        Cases of one group (a patient) are resampled together.
    bootstraps, seed : int
        Resamples for the 95 % intervals.

    Raises
    ------
    InputFileError
        If one of the two classes is absent: most measures mean nothing then.
    """
    from sklearn import metrics

    positives = int(label.sum())
    if not 0 < positives < len(label):
        raise InputFileError(
            f"{positives} of {len(label)} cases are positive; both classes are needed to judge a classifier."
        )
    called = score >= threshold
    (tn, fp), (fn, tp) = metrics.confusion_matrix(label, called, labels=[False, True]).tolist()
    fpr, tpr, _ = metrics.roc_curve(label, score)
    precision, recall, _ = metrics.precision_recall_curve(label, score)
    values = _measure(label, score, threshold)
    intervals = _intervals(label, score, threshold, group, bootstraps, seed)
    return Classification(
        cases=len(label),
        positives=positives,
        threshold=threshold,
        measures=tuple(
            Measure(name, value, interval) for (name, value), interval in zip(values.items(), intervals, strict=True)
        ),
        confusion=((tn, fp), (fn, tp)),
        reliability=reliability(score, label),
        roc=(fpr, tpr),
        precision_recall=(recall[::-1], precision[::-1]),
    )


def _measure(label: Flags, score: Floats, threshold: float) -> dict[str, float]:
    from sklearn import metrics

    called = score >= threshold
    tp, fp = int((called & label).sum()), int((called & ~label).sum())
    fn, tn = int((~called & label).sum()), int((~called & ~label).sum())
    return {
        "accuracy": (tp + tn) / len(label),
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "F1": 2 * tp / (2 * tp + fp + fn),
        "ROC AUC": float(metrics.roc_auc_score(label, score)),
        "PR AUC": float(metrics.average_precision_score(label, score)),
    }


def _intervals(
    label: Flags,
    score: Floats,
    threshold: float,
    group: npt.NDArray[np.str_] | None,
    bootstraps: int,
    seed: int,
) -> list[tuple[float, float]]:
    """95 % intervals by resampling cases, or whole groups of them."""
    rng = np.random.default_rng(seed)
    names, number = np.unique(np.arange(len(label)) if group is None else group, return_inverse=True)
    members = [np.flatnonzero(number == n) for n in range(len(names))]
    drawn = []
    for _ in range(bootstraps):
        index = np.concatenate([members[n] for n in rng.integers(len(names), size=len(names))])
        y = label[index]
        if 0 < y.sum() < len(y):
            drawn.append(list(_measure(y, score[index], threshold).values()))
    if not drawn:
        return [(math.nan, math.nan)] * len(_measure(label, score, threshold))
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]

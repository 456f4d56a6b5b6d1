"""The worklist's ranking against first in, first out, and forecasts of the load: on SIMULATED weeks.

    python benchmarks/worklist.py                      (about a minute)
    python benchmarks/worklist.py --arrivals made_up.csv     (writes 26 simulated weeks for `worklist forecast`)

Nothing here was measured at a site. What is taken from measurements is the sensitivity of nodule-3d by size (its card,
at 1 false positive a scan) and its 2 to 3 false findings a scan at the default threshold (the same card, scans that
were held out). All else is assumed: see `WEEK`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from napari_lesion.worklist.ranking import points, terms
from napari_lesion.worklist.readers import Duty, play
from napari_lesion.worklist.rule import Priority, Rule
from napari_lesion.worklist.study_findings import Found

DAY_H, WEEK_H = 24, 168
SENSITIVITY = ((6.0, 0.437), (10.0, 0.921), (18.0, 0.984), (1000.0, 1.0))
"""Of nodule-3d, below each diameter in mm."""
FALSE_FINDINGS = 2.5
"""A scan at the default threshold: 3.0 and 2.0 on the two held-out patients of the card."""


@dataclass(frozen=True)
class Week:
    """What is assumed."""

    in_the_day: float = 8.0
    """Studies an hour, 8 to 17 h on working days; a tenth of that in other hours, a fifth on free days."""
    prevalence: float = 0.05
    """Of studies with a nodule of 6 mm and more."""
    with_small: float = 0.3
    """Of the others with a smaller one."""
    false_mm: tuple[float, float] = (5.0, 0.35)
    """Median and spread (of the logarithm) of the diameters of false findings."""
    true_mm: tuple[float, float] = (9.0, 0.45)
    """The same of nodules of 6 mm and more."""
    priorities: tuple[tuple[Priority, float], ...] = (("STAT", 0.03), ("HIGH", 0.07), ("ROUTINE", 0.9))
    """Whether anything was found has no influence on them."""
    readers: int = 2
    minutes: float = 14.0
    duty: tuple[float, float] = (8.0, 18.0)
    """On working days."""


WEEK = Week()
RULES = {
    "first in, first out": None,
    "ranked, overtaken for 12 h": Rule(overtaken_h=12),
    "ranked, overtaken for 24 h": Rule(overtaken_h=24),
    "ranked, overtaken for 72 h (default)": Rule(),
    "ranked, waiting counts for nothing": Rule(overtaken_h=10_000),
}


def rate(hour: float, week: Week) -> float:
    """Studies an hour, counted from a Monday's midnight."""
    free = int(hour // DAY_H) % 7 >= 5
    day = week.in_the_day if 8 <= hour % DAY_H < 17 else week.in_the_day / 10
    return day * (0.2 if free else 1.0)


def category(mm: float) -> str:
    """Lung-RADS of a solid nodule at baseline, by its diameter; "1" where there is none."""
    limits = ((0.0, "1"), (6.0, "2"), (8.0, "3"), (15.0, "4A"))
    return next((name for limit, name in limits if mm <= limit), "4B")


@dataclass(frozen=True)
class Studies:
    """Studies that came in some weeks."""

    arrived: np.ndarray
    takes: np.ndarray
    positive: np.ndarray
    detected: np.ndarray
    found: list[Found]
    priority: list[Priority]


def simulate(week: Week, weeks: int, random: np.random.Generator) -> Studies:
    """Make up studies, and what the model finds in them."""
    hours = np.arange(weeks * WEEK_H)
    counts = random.poisson([rate(hour, week) for hour in hours])
    arrived = np.sort(np.repeat(hours, counts) + random.random(counts.sum()))
    n = len(arrived)
    positive = random.random(n) < week.prevalence
    large = np.maximum(random.lognormal(np.log(week.true_mm[0]), week.true_mm[1], n), 6.0)
    small = np.where(random.random(n) < week.with_small, random.uniform(3, 6, n), 0.0)
    true = np.where(positive, large, small)
    chance = np.array([next(share for limit, share in SENSITIVITY if mm < limit) for mm in true])
    detected = (true > 0) & (random.random(n) < chance)
    false = random.poisson(FALSE_FINDINGS, n)
    found = []
    for one in range(n):
        sizes = random.lognormal(np.log(week.false_mm[0]), week.false_mm[1], false[one]).tolist()
        sizes += [float(true[one])] if detected[one] else []
        largest = max(sizes, default=0.0)
        unsure = [4 * score * (1 - score) for score in random.uniform(0.3, 1, len(sizes))]
        found.append(
            Found(
                findings=len(sizes),
                largest_mm=largest,
                lung_rads=category(largest),
                uncertainty=float(max(unsure, default=0.0)),
            )
        )
    names, shares = zip(*week.priorities, strict=True)
    priority = [names[i] for i in random.choice(len(names), n, p=shares)]
    takes = random.exponential(week.minutes / 60, n)
    return Studies(arrived, takes, positive, positive & detected, found, priority)


def waits(studies: Studies, rule: Rule | None, week: Week, weeks: int) -> np.ndarray:
    """Hours from arrival to the end of the reading."""
    keys = None
    if rule is not None:
        # Points for waiting grow alike for all, so the order is that of this sum at any time.
        keys = [
            rule.per_hour * at - points(terms(one, priority, 0.0, rule))
            for at, one, priority in zip(studies.arrived, studies.found, studies.priority, strict=True)
        ]
    free = frozenset(day for day in range(7 * (weeks + 20)) if day % 7 >= 5)
    begins = play(studies.arrived, studies.takes, week.readers, Duty(*week.duty, free), keys)
    return np.asarray(begins + studies.takes - studies.arrived)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Rank simulated weeks.")
    parser.add_argument("--weeks", type=int, default=200, help="that count; each has a week before it and one after it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arrivals", type=Path, help="only write simulated arrivals of 26 weeks there, as CSV")
    arguments = parser.parse_args()
    if arguments.arrivals is not None:
        save_arrivals(arguments.arrivals, arguments.seed)
        return
    told: dict[str, list[np.ndarray]] = {name: [] for name in RULES}
    positive, detected = [], []
    for number in range(arguments.weeks):
        studies = simulate(WEEK, 3, np.random.default_rng([arguments.seed, number]))
        counts = (studies.arrived >= WEEK_H) & (studies.arrived < 2 * WEEK_H)
        positive.append(studies.positive[counts])
        detected.append(studies.detected[counts])
        for name, rule in RULES.items():
            told[name].append(waits(studies, rule, WEEK, 3)[counts])
    is_positive, is_detected = np.concatenate(positive), np.concatenate(detected)
    print(
        f"SIMULATED: {arguments.weeks} weeks, {len(is_positive)} studies, {is_positive.sum()} of them positive, "
        f"{is_detected.sum()} of those detected."
    )
    columns = ("hours", "positive: mean", "95 %", "worst", "missed by the model: mean", "negative: mean", "worst")
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|")
    for name in RULES:
        hours = np.concatenate(told[name])
        yes, missed, no = hours[is_positive], hours[is_positive & ~is_detected], hours[~is_positive]
        cells = (yes.mean(), np.quantile(yes, 0.95), yes.max(), missed.mean(), no.mean(), no.max())
        print(f"| {name} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


def save_arrivals(path: Path, seed: int) -> None:
    """Write simulated arrivals of 26 weeks, which say that they are simulated."""
    random = np.random.default_rng(seed)
    monday = datetime(2026, 1, 5)
    rows = []
    for hour in range(26 * WEEK_H + 1):
        mean = random.gamma(rate(hour, WEEK) / 0.5, 0.5)
        rows += [monday + timedelta(hours=hour + float(part)) for part in random.random(random.poisson(mean))]
    lines = [f"{time.isoformat(timespec='seconds')},simulated" for time in sorted(rows)]
    path.write_text("\n".join(["arrived,origin", *lines]) + "\n", encoding="utf-8")
    print(f"{path}: {len(lines)} simulated arrivals")


if __name__ == "__main__":
    main()

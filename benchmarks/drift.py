"""How often `drift` warns where nothing changes, and how soon where something does: on made-up streams of studies.

    python benchmarks/drift.py [--streams 200]

A made-up site has studies that are independent of each other, with values that hang together (a kernel with its noise,
a thickness with its number of slices, an age with its lungs). It is no real site: where one scanner is used in the
mornings and another in the afternoons, false alarms are more frequent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from napari_lesion.evaluation.drift import ChartSettings, Study, Value, watch

Values = dict[str, Value]
Change = Callable[[Values, np.random.Generator], Values]
HORIZON = 500
BEFORE = 100
AFTER = 250


def study(rng: np.random.Generator) -> Values:
    """Make up one study of a site with two scanners and three kernels."""
    scanner = str(rng.choice(["A 64", "B 128"], p=[0.7, 0.3]))
    kernel = str(rng.choice(["B31f", "B50f", "B70f"], p=[0.5, 0.3, 0.2]))
    thickness = float(rng.choice([1.0, 1.25, 2.5, 5.0], p=[0.35, 0.35, 0.2, 0.1]))
    age = float(np.clip(rng.normal(64, 11), 20, 95))
    noise = {"B31f": 12.0, "B50f": 22.0, "B70f": 45.0}[kernel] * float(rng.lognormal(0, 0.2))
    return {
        "slice thickness, mm": thickness,
        "pixel, mm": round(float(rng.normal(0.72, 0.06)), 3),
        "slices": float(round(330 / thickness * rng.uniform(0.9, 1.2))),
        "kernel": kernel,
        "scanner": scanner,
        "contrast": str(rng.choice(["yes", "no"], p=[0.4, 0.6])),
        "age, years": round(age) if rng.random() > 0.05 else None,
        "sex": str(rng.choice(["female", "male"])),
        "findings": float(rng.poisson(rng.gamma(2, 1.0))),
        "highest score": round(float(rng.beta(0.7, 0.6)), 3),
        "lung HU": round(float(rng.normal(-840, 25) - 0.4 * (age - 64)), 1),
        "air HU": round(float(rng.normal(-998, 3)), 1),
        "noise, HU": round(noise, 1),
        "CTDIvol, mGy": round(float(rng.lognormal(1.6, 0.35)), 2),
    }


def _scaled(name: str, factor: float) -> Change:
    return lambda values, _: {**values, name: float(values[name] or 0.0) * factor}


def _added(name: str, more: float) -> Change:
    return lambda values, _: {**values, name: None if values[name] is None else float(values[name] or 0.0) + more}


def _sometimes(share: float, name: str, value: Value) -> Change:
    return lambda values, rng: {**values, name: value} if rng.random() < share else values


def _more_findings(values: Values, rng: np.random.Generator) -> Values:
    return {**values, "findings": float(values["findings"] or 0.0) + float(rng.poisson(1.0))}


CHANGES: dict[str, tuple[str, Change]] = {
    "a new kernel in every study": ("kernel", _sometimes(1.0, "kernel", "B60s")),
    "a new kernel in 30 % of them": ("kernel", _sometimes(0.3, "kernel", "B60s")),
    "5 mm slices in 40 % more of them": ("slice thickness, mm", _sometimes(0.4, "slice thickness, mm", 5.0)),
    "half the dose": ("CTDIvol, mGy", _scaled("CTDIvol, mGy", 0.5)),
    "noise 1.4 times": ("noise, HU", _scaled("noise, HU", 1.4)),
    "lungs 20 HU denser": ("lung HU", _added("lung HU", 20.0)),
    "air 3 HU off (calibration)": ("air HU", _added("air HU", 3.0)),
    "patients 5 years older": ("age, years", _added("age, years", 5.0)),
    "ages no longer in the headers": ("age, years", _sometimes(1.0, "age, years", None)),
    "one more finding a scan": ("findings", _more_findings),
    "scores 0.8 times": ("highest score", _scaled("highest score", 0.8)),
}


def streams(reference: int, later: int, count: int, change: Change | None = None, at: int = 0) -> list:
    """Watch many made-up streams; from a study on they may be changed."""
    told = []
    for n in range(count):
        rng = np.random.default_rng([n, reference, later])
        made = [study(rng) for _ in range(reference + later)]
        if change is not None:
            made[reference + at :] = [change(values, rng) for values in made[reference + at :]]
        known = {name: [values[name] for values in made[:reference]] for name in made[0]}
        told.append(watch(known, [Study("", values) for values in made[reference:]], ChartSettings(horizon=HORIZON)))
    return told


def main() -> None:
    """Print both tables in Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--streams", type=int, default=200)
    count = parser.parse_args().streams
    print(f"| reference | streams of {HORIZON} studies without drift | with any alarm (5 % asked for) | limit |")
    print("|---|---|---|---|")
    for reference in (50, 100, 200):
        told = streams(reference, HORIZON, count)
        alarms = sum(bool(one.drifted) for one in told)
        half = 1.96 * np.sqrt(alarms / count * (1 - alarms / count) / count)
        print(f"| {reference} | {count} | {100 * alarms / count:.1f} % (± {100 * half:.1f}) | {told[0].limit:.2f} |")
    print(f"\n| made drift | seen within {AFTER} studies | delay, studies: median (5 to 95 %) | also another value |")
    print("|---|---|---|---|")
    for name, (what, change) in CHANGES.items():
        told = streams(100, BEFORE + AFTER, count // 4, change, BEFORE)
        delays, others = [], 0
        for one in told:
            seen = {value.name: value.alarm.alarm for value in one.values if value.alarm is not None}
            others += bool(set(seen) - {what})
            if seen.get(what, -1) >= BEFORE:
                delays.append(seen[what] - BEFORE + 1)
        low, middle, high = np.quantile(delays, (0.05, 0.5, 0.95)) if delays else (np.nan,) * 3
        print(f"| {name} | {len(delays)} of {len(told)} | {middle:.0f} ({low:.0f} to {high:.0f}) | {others} |")


if __name__ == "__main__":
    main()

"""Made radiology reports with known truth, in many styles and three languages: out of ``reports/``.

Written apart from the rules of `napari_lesion.records`, of which nothing is imported. While the rules were written,
those from templates were looked at; the adversarial ones were written after the rules were frozen.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "reports"


@dataclass
class Truth:
    """What a report says."""

    nodules: list[dict[str, str]] = field(default_factory=list)
    """Each: size_mm, earlier_size_mm, place, type, calcified, count, change."""
    none: bool = False
    """It says that there is no nodule."""
    advice: set[str] = field(default_factory=set)
    category: str = ""
    patient: dict[str, str] = field(default_factory=dict)


@dataclass
class Report:
    """A text, and what it says."""

    name: str
    language: str
    text: str
    truth: Truth


PLACES = {
    "en": {
        "right upper": ["right upper lobe", "RUL", "upper lobe of the right lung", "Rt upper lobe", "right-upper lobe"],
        "right middle": ["right middle lobe", "RML", "middle lobe"],
        "right lower": [
            "right lower lobe",
            "RLL",
            "lower lobe of the right lung",
            "superior segment of the right lower lobe",
        ],
        "left upper": ["left upper lobe", "LUL", "lingula", "apicoposterior left upper lobe"],
        "left lower": [
            "left lower lobe",
            "LLL",
            "lower lobe on the left",
            "lateral basal segment of the left lower lobe",
        ],
    },
    "de": {
        "right upper": [
            "rechten Oberlappen",
            "Oberlappen rechts",
            "OL re.",
            "apikalen Oberlappen rechts",
            "rechten OL",
        ],
        "right middle": ["Mittellappen", "ML", "rechten Mittellappen"],
        "right lower": ["rechten Unterlappen", "Unterlappen rechts", "UL re.", "posterobasalen Unterlappen rechts"],
        "left upper": ["linken Oberlappen", "Oberlappen links", "OL li.", "Lingula"],
        "left lower": ["linken Unterlappen", "Unterlappen links", "UL li.", "linken UL"],
    },
    "zh": {
        "right upper": ["右肺上叶", "右上肺", "右肺上叶尖段", "右上叶"],
        "right middle": ["右肺中叶", "右中叶", "右肺中叶外侧段"],
        "right lower": ["右肺下叶", "右下肺", "右肺下叶背段", "右下叶"],
        "left upper": ["左肺上叶", "左上肺", "左肺上叶舌段", "左上叶"],
        "left lower": ["左肺下叶", "左下肺", "左下叶", "左肺下叶后基底段"],
    },
}
TYPES = {
    "en": {
        "solid": ["solid"],
        "part-solid": ["part-solid", "partly solid", "mixed ground-glass"],
        "non-solid": ["ground-glass", "pure ground glass", "non-solid"],
    },
    "de": {
        "solid": ["solider"],
        "part-solid": ["teilsolider", "part-solider"],
        "non-solid": ["nicht solider", "rein milchglasartiger"],
    },
    "zh": {"solid": ["实性"], "part-solid": ["部分实性", "混合磨玻璃"], "non-solid": ["磨玻璃", "纯磨玻璃"]},
}


def mm(value: float, rng: random.Random, language: str) -> str:
    """Write a length."""
    style = rng.randrange(4)
    if style == 0:
        text = f"{value / 10:.1f} cm"
    elif style == 1 and language != "zh":
        text = f"{value:g}mm" if language == "de" else f"{value:g} mm"
    else:
        text = f"{value:g} mm" if language != "zh" else rng.choice([f"{value:g}mm", f"{value:g}毫米"])
    return text.replace(".", ",") if language == "de" else text


def size(rng: random.Random, language: str) -> tuple[str, str]:
    """Make a size as it is written, and as a table has it."""
    first = float(rng.randint(3, 24))
    dimensions = rng.choice([1, 1, 1, 2, 2, 3])
    if dimensions == 1:
        return mm(first, rng, language), f"{first:g}"
    rest = [max(2.0, first - rng.randint(1, 3)) for _ in range(dimensions - 1)]
    numbers = [first, *rest]
    cross = rng.choice([" x ", "x", " × "]) if language != "zh" else rng.choice(["×", "x", "*"])
    if rng.random() < 0.3:
        shown = cross.join(f"{one / 10:.1f}" for one in numbers) + (" cm" if language != "zh" else "cm")
    elif rng.random() < 0.2 and language != "zh":
        shown = cross.join(f"{one:g} mm" for one in numbers)
    else:
        shown = cross.join(f"{one:g}" for one in numbers) + (" mm" if language != "zh" else "mm")
    return (shown.replace(".", ",") if language == "de" else shown), " x ".join(f"{one:g}" for one in numbers)


class Slots:
    """Draws what stands in a template, and keeps its truth."""

    def __init__(self, language: str, rng: random.Random) -> None:
        self.language, self.rng = language, rng
        self.drawn: dict[str, str] = {}
        self.lobes: list[str] = []

    def __call__(self, name: str) -> str:
        """Draw a slot: s1 a size, e1 an earlier one, p1 a place, t1 a type, m1 months."""
        kind = name[0]
        if kind in "se":
            shown, value = size(self.rng, self.language)
        elif kind == "p":
            lobe = self.rng.choice([one for one in PLACES[self.language] if one not in self.lobes])
            self.lobes.append(lobe)
            shown, value = self.rng.choice(PLACES[self.language][lobe]), lobe
        elif kind == "t":
            value = self.rng.choice(list(TYPES[self.language]))
            shown = self.rng.choice(TYPES[self.language][value])
        else:
            low = self.rng.choice([3, 6, 12])
            high = self.rng.choice([low, low, {3: 6, 6: 12, 12: 18}[low]])
            value = f"{low}" if low == high else f"{low}-{high}"
            shown = value
        self.drawn[name] = value
        return shown


def fill(template: str, language: str, rng: random.Random) -> tuple[str, dict[str, str]]:
    """Fill a template; ``{p1=}`` repeats what ``{p1}`` was written as."""
    slots, shown = Slots(language, rng), dict[str, str]()

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in shown:
            shown[name] = slots(name)
        return shown[name]

    text = re.sub(r"\{(\w+)=?\}", put, template)
    return text, slots.drawn


def made_reports(each: int = 12, seed: int = 17) -> list[Report]:
    """Make reports from the templates: so many of each."""
    rng = random.Random(seed)
    reports = []
    for language, templates in _read("templates").items():
        for number, template in enumerate(templates):
            for copy in range(each):
                text, drawn = fill(template["text"], language, rng)
                truth = _truth({name: value for name, value in template.items() if name != "text"}, drawn)
                reports.append(Report(f"{language}-{number}-{copy}", language, text, truth))
    return reports


def written_reports(name: str) -> list[Report]:
    """Read reports that were written one by one."""
    return [
        Report(f"{language}-{name}-{number}", language, one["text"], _truth(one, {}))
        for language, some in _read(name).items()
        for number, one in enumerate(some, start=1)
    ]


def _truth(said: dict[str, Any], drawn: dict[str, str]) -> Truth:
    def put(text: str) -> str:
        return re.sub(r"\$(\w+)", lambda found: drawn[found[1]], text)

    nodules = [{name: put(value) for name, value in one.items()} for one in said.get("nodules", [])]
    advice = {put(one) for one in said.get("advice", [])}
    return Truth(nodules, said.get("none", False), advice, said.get("category", ""), said.get("patient", {}))


def _read(name: str) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return made

"""What can be said of a patient and of how a finding looks: labels, units, limits and values, in one place.

The form in the viewer, the columns of a CSV and its checks are all made from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldKind = Literal["number", "choice", "yes or no"]
Value = float | str | bool

UNKNOWN = frozenset({"", "unknown", "n/a", "na", "?"})
"""Words that say that a value is not known, in lower case."""
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True)
class Field:
    """One thing to say."""

    name: str
    """Of the attribute of `Patient` or `Appearance`; also the column of a CSV."""
    label: str
    kind: FieldKind
    help: str
    """Which model or guideline asks, and what counts, as a sentence."""
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    """Limits of a number, both allowed."""
    values: tuple[tuple[str, str], ...] = ()
    """Of a choice: each value with its label."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Other words for a value, in lower case, which a file may use."""

    @property
    def allowed(self) -> str:
        """What may be written, in words."""
        if self.kind == "number":
            return f"a number from {self.low:g} to {self.high:g}"
        if self.kind == "choice":
            return " or ".join(value for value, _ in self.values)
        return "yes or no"

    def read(self, text: str) -> Value | None:
        """Read a value as it is written in a file; None where it says that it is not known.

        Raises
        ------
        ValueError
            If it is none of the allowed ones; the message is the end of a sentence: ``is not a number from 0 to 120``.
        """
        word = text.strip().lower()
        if word in UNKNOWN:
            return None
        if self.kind == "yes or no":
            if word in _YES | _NO:
                return word in _YES
        elif self.kind == "choice":
            known = dict(self.aliases) | {value: value for value, _ in self.values}
            if word in known:
                return known[word]
        elif (number := _number(word)) is not None and self.low <= number <= self.high:
            return number
        raise ValueError(f"is not {self.allowed}")


def _number(word: str) -> float | None:
    """Read digits with a decimal point at most: a comma, a unit or 1e2 is more likely a mistake."""
    digits = word.removeprefix("+")
    if not digits.replace(".", "", 1).isascii() or not digits.replace(".", "", 1).isdigit():
        return None
    return float(digits)


PATIENT_FIELDS = (
    Field(
        "age_years",
        "Age",
        "number",
        "At the study. Brock, Lung-RADS and the Fleischner guideline ask.",
        unit="years",
        high=120.0,
    ),
    Field(
        "sex",
        "Sex",
        "choice",
        "Brock asks.",
        values=(("female", "Female"), ("male", "Male")),
        aliases=(("f", "female"), ("m", "male")),
    ),
    Field(
        "smoking",
        "Smoking",
        "choice",
        "The Fleischner guideline asks.",
        values=(("never", "Never"), ("former", "Former"), ("current", "Current")),
        aliases=(("ex", "former"),),
    ),
    Field("pack_years", "Pack-years", "number", "Kept with the report.", unit="pack-years", high=300.0),
    Field("quit_years_ago", "Years since quitting", "number", "Kept with the report.", unit="years", high=100.0),
    Field(
        "family_history",
        "Lung cancer in the family",
        "yes or no",
        "Brock and the Fleischner guideline ask.",
    ),
    Field("emphysema", "Emphysema", "yes or no", "Brock and the Fleischner guideline ask."),
    Field(
        "prior_cancer",
        "Known cancer",
        "yes or no",
        "Now or before. Brock, Lung-RADS and the Fleischner guideline are not for those who have or had one.",
    ),
    Field(
        "immunosuppression",
        "Immunosuppression",
        "yes or no",
        "The Fleischner guideline is not for those who are immunosuppressed.",
    ),
    Field(
        "context",
        "Why the scan was made",
        "choice",
        "Lung-RADS is for screening, the Fleischner guideline for nodules that are found by chance.",
        values=(("screening", "Lung cancer screening"), ("incidental", "Another reason")),
    ),
    Field(
        "other_significant",
        "Another significant finding",
        "yes or no",
        "Lung-RADS adds S for a finding of significance other than lung nodules.",
    ),
    Field(
        "inflammatory",
        "Suggests infection or inflammation",
        "yes or no",
        "Lung-RADS gives category 0, to be looked at again in 1 to 3 months.",
    ),
)
"""In the order of a form."""

FINDING_FIELDS = (
    Field(
        "type",
        "Type",
        "choice",
        "Takes the place of the measured type.",
        values=(("solid", "Solid"), ("part-solid", "Part-solid"), ("non-solid", "Non-solid")),
    ),
    Field("spiculated", "Spiculated", "yes or no", "Brock asks."),
    Field(
        "lobe",
        "Lobe",
        "choice",
        "Brock asks for upper lobes; the lingula is of the left upper lobe.",
        values=(
            ("right upper", "Right upper"),
            ("right middle", "Right middle"),
            ("right lower", "Right lower"),
            ("left upper", "Left upper"),
            ("left lower", "Left lower"),
        ),
    ),
    Field(
        "airway",
        "In an airway",
        "choice",
        "Lung-RADS has categories of its own for nodules in airways.",
        values=(("subsegmental", "Subsegmental"), ("segmental or more proximal", "Segmental or more proximal")),
    ),
    Field(
        "juxtapleural",
        "Juxtapleural",
        "yes or no",
        "At the pleura or a fissure, smooth, oval, lentiform or triangular: category 2 of Lung-RADS if solid, "
        "below 10 mm.",
    ),
    Field(
        "category_1_pattern",
        "Calcified as in category 1, or with fat",
        "yes or no",
        "Calcified completely, in the centre, like popcorn or in rings, or containing fat: category 1 of Lung-RADS.",
    ),
    Field(
        "suspicious",
        "Further suspicious features",
        "yes or no",
        "Beyond size and type, such as spiculation or enlarged lymph nodes: category 4X of Lung-RADS.",
    ),
    Field(
        "earlier_category",
        "Lung-RADS at the earlier scan",
        "choice",
        "Lung-RADS steps a stable nodule down from the category that it had.",
        values=tuple((category, category) for category in ("1", "2", "3", "4A", "4B", "4X")),
        aliases=(("4a", "4A"), ("4b", "4B"), ("4x", "4X")),
    ),
)
"""In the order of a form."""

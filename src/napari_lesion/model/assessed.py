"""Who the patient is, and what published models and guidelines say of the findings: types only.

Every value of the patient carries where it comes from. What nobody knows is None, and stays so.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Source = Literal["measured", "estimated", "entered", "DICOM", "assumed"]
Sex = Literal["female", "male"]
Smoking = Literal["never", "former", "current"]
Context = Literal["screening", "incidental"]
NoduleType = Literal["solid", "part-solid", "non-solid"]
Lobe = Literal["right upper", "right middle", "right lower", "left upper", "left lower"]
Airway = Literal["subsegmental", "segmental or more proximal"]
Category = Literal["1", "2", "3", "4A", "4B", "4X"]
"""Of Lung-RADS, for a nodule."""
T = TypeVar("T")


class SourcedValue(BaseModel, Generic[T]):
    """A value, and where it comes from."""

    model_config = ConfigDict(frozen=True)

    value: T
    source: Source
    detail: str = ""
    """In words: the DICOM tag, file and row, or the reader who typed it."""


class Patient(BaseModel):
    """What models of risk and guidelines ask about the patient; None is unknown."""

    model_config = ConfigDict(frozen=True)

    age_years: SourcedValue[float] | None = None
    """At the study."""
    sex: SourcedValue[Sex] | None = None
    smoking: SourcedValue[Smoking] | None = None
    pack_years: SourcedValue[float] | None = None
    quit_years_ago: SourcedValue[float] | None = None
    family_history: SourcedValue[bool] | None = None
    """Of lung cancer."""
    emphysema: SourcedValue[bool] | None = None
    prior_cancer: SourcedValue[bool] | None = None
    """Known cancer, now or before."""
    immunosuppression: SourcedValue[bool] | None = None
    context: SourcedValue[Context] | None = None
    """Why the scan was made."""
    other_significant: SourcedValue[bool] | None = None
    """Whether the exam shows something else of significance: modifier S of Lung-RADS."""
    inflammatory: SourcedValue[bool] | None = None
    """Whether what the exam shows suggests infection or inflammation: category 0 of Lung-RADS."""


class Appearance(BaseModel):
    """What a reader says of how a finding looks, where guidelines ask and no program here can tell; None is unknown."""

    model_config = ConfigDict(frozen=True)

    type: SourcedValue[NoduleType] | None = None
    """Takes the place of the measured one."""
    spiculated: SourcedValue[bool] | None = None
    lobe: SourcedValue[Lobe] | None = None
    """Takes the place of the one that a lobe mask says. The lingula is of the left upper lobe."""
    airway: SourcedValue[Airway] | None = None
    """Where it lies in an airway."""
    juxtapleural: SourcedValue[bool] | None = None
    """Solid and smooth, oval, lentiform or triangular, at the pleura or a fissure."""
    category_1_pattern: SourcedValue[bool] | None = None
    """Calcified completely, in the centre, like popcorn or in rings, or containing fat: category 1 of Lung-RADS."""
    suspicious: SourcedValue[bool] | None = None
    """Features that make it more suspicious than its size and type do: category 4X of Lung-RADS."""
    earlier_category: SourcedValue[Category] | None = None
    """Of Lung-RADS, at the earlier scan."""


class Step(BaseModel):
    """One step of a decision."""

    model_config = ConfigDict(frozen=True)

    says: str
    """What was looked at, with its number, and what follows, as a sentence."""
    rests_on: str
    """Guideline, version and paragraph or table."""


class Advice(BaseModel):
    """What one guideline says, and why."""

    model_config = ConfigDict(frozen=True)

    guideline: str
    """With its version, e.g. "Lung-RADS v2022"."""
    applies: bool
    """False where the guideline says that it is not for this patient or finding, or too little is known."""
    category: str = ""
    """E.g. "4A"; where something decisive is unknown, all that are possible: "3 or 4A"."""
    advice: str = ""
    """What the guideline advises, in its own terms; never a diagnosis."""
    why_not: str = ""
    """Where it does not apply: why, as a sentence; and what it would say if what is not known were so."""
    would_be: str = ""
    """The category if it applied, where only too little is known to tell whether it does."""
    trace: tuple[Step, ...] = ()
    missing: tuple[str, ...] = ()
    """What would have to be known to say more."""

    @property
    def is_unknown(self) -> bool:
        """Whether it says nothing only because too little is known, not because it is not for this case."""
        return not self.applies and bool(self.would_be or self.missing)


class Term(BaseModel):
    """One term of a model's sum."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str
    """In words; "unknown" where it is."""
    source: Source | None
    """None where unknown."""
    low: float
    high: float
    """What it adds to the logit; low and high differ where the value is unknown."""


class Probability(BaseModel):
    """A model's probability, as a range where inputs are unknown."""

    model_config = ConfigDict(frozen=True)

    model: str
    applies: bool
    why_not: str = ""
    low: float | None = None
    high: float | None = None
    """Both the same where all is known."""
    terms: tuple[Term, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What to know before trusting it, as sentences."""

    @property
    def is_unknown(self) -> bool:
        """Whether there is none only because too little is known, not because the model is not for this case."""
        return not self.applies and bool(self.missing)


class FindingJudgement(BaseModel):
    """What is said of one finding."""

    model_config = ConfigDict(frozen=True)

    finding_id: str
    brock: Probability
    lung_rads: Advice
    growth: Advice
    """BTS, where there is a prior."""


class Judgement(BaseModel):
    """What is said of an examination."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[FindingJudgement, ...] = ()
    """In the order of the report's."""
    lung_rads: Advice
    """Of the exam: its highest category."""
    fleischner: Advice
    """Of the exam; it goes by all nodules together."""

    def of(self, finding_id: str) -> FindingJudgement | None:
        """Look up what is said of a finding."""
        return next((one for one in self.findings if one.finding_id == finding_id), None)

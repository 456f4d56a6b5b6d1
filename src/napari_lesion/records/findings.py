"""What a report says, as values: each with the words that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from napari_lesion.records.words import Language

Standing = Literal["now", "history"]
"""History: what the reason for the examination, the comparison or a "status post" tells of."""


@dataclass(frozen=True)
class Value:
    """A value, and the words of the report that say it.

    Attributes
    ----------
    value : str
        As a table has it.
    start, end : int
        In the report.
    """

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class ReportedNodule:
    """A nodule, or several that are told of as one, in a report.

    Attributes
    ----------
    values : mapping of str to Value
        ``size_mm``, ``earlier_size_mm``, ``solid_part_mm``, ``volume_mm3``, ``place``, ``type``, ``calcified``,
        ``count``, ``change``; what the report does not say is not in it.
    start, end : int
        Of the words that name it.
    uncertain : bool
        The report does not say for sure that there is one.
    standing : str
    """

    values: Mapping[str, Value]
    start: int
    end: int
    uncertain: bool = False
    standing: Standing = "now"

    def get(self, name: str) -> str:
        """Get a value; "" where the report does not say it."""
        found = self.values.get(name)
        return found.value if found is not None else ""


@dataclass(frozen=True)
class Advice:
    """What a report advises.

    Attributes
    ----------
    kind : str
        ``CT``, ``PET-CT``, ``biopsy``, ``surgery``, or ``none``: that nothing is needed.
    months : tuple of float, optional
        From and to; None where no time is said.
    condition : bool
        It is advised only if something is so.
    start, end : int
        Of its words in the report.
    """

    kind: Literal["CT", "PET-CT", "biopsy", "surgery", "none"]
    months: tuple[float, float] | None
    condition: bool
    start: int
    end: int

    @property
    def words(self) -> str:
        """As a table has it: ``CT 6-12``."""
        if self.months is None:
            return self.kind
        low, high = self.months
        return f"{self.kind} {low:g}" if low == high else f"{self.kind} {low:g}-{high:g}"


@dataclass(frozen=True)
class Said:
    """What a report says of the patient: a field of `Patient`, its value, and the words."""

    about: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class ReadReport:
    """All that was found in a report.

    Attributes
    ----------
    text : str
        As it was written.
    no_nodules, no_new : tuple of Value
        That there is no nodule; that there is none that is new, or no other one.
    category : tuple of Value
        Of Lung-RADS.
    notes : tuple of str
        What was left out because it could mean two things, as sentences.
    """

    text: str
    language: Language
    nodules: tuple[ReportedNodule, ...] = ()
    no_nodules: tuple[Value, ...] = ()
    no_new: tuple[Value, ...] = ()
    category: tuple[Value, ...] = ()
    advice: tuple[Advice, ...] = ()
    patient: tuple[Said, ...] = ()
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Item:
    """One value that a reader may take over.

    Attributes
    ----------
    about : str
        ``nodule 1``, ``advice``, ``patient`` or ``report``.
    field, value : str
    start, end : int
        In the report.
    doubt : str
        ``uncertain``, ``history``, ``conditional``, or "".
    """

    about: str
    field: str
    value: str
    start: int
    end: int
    doubt: str = ""


def items(read: ReadReport) -> Iterator[Item]:
    """List all values of a report, one by one."""
    for number, nodule in enumerate(read.nodules, start=1):
        doubt = "history" if nodule.standing == "history" else "uncertain" if nodule.uncertain else ""
        if not nodule.values:
            yield Item(f"nodule {number}", "there", "yes", nodule.start, nodule.end, doubt)
        for name, value in nodule.values.items():
            yield Item(f"nodule {number}", name, value.value, value.start, value.end, doubt)
    for name, values in (
        ("no_nodules", read.no_nodules),
        ("no_new_nodules", read.no_new),
        ("lung_rads", read.category),
    ):
        for value in values:
            yield Item("report", name, value.value, value.start, value.end)
    for advice in read.advice:
        yield Item(
            "advice", "follow_up", advice.words, advice.start, advice.end, "conditional" if advice.condition else ""
        )
    for said in read.patient:
        yield Item("patient", said.about, said.value, said.start, said.end)

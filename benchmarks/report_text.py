"""Precision and recall of what is read from free-text reports, by field and language, on made reports with known truth.

python benchmarks/report_text.py            the table, both sets
python benchmarks/report_text.py --wrong    each report in which something is wrong, too
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from made_reports import Report, made_reports, written_reports

from napari_lesion.records.findings import ReadReport, ReportedNodule
from napari_lesion.records.read import read_report

NODULE_FIELDS = ("size_mm", "earlier_size_mm", "place", "type", "calcified", "count", "change")
FIELDS = ("nodule", *NODULE_FIELDS, "no nodules", "advice", "Lung-RADS", "patient")
Counts = Counter[tuple[str, str, str]]
"""By language, field, and one of ``right``, ``wrong`` (said, but not so) and ``missed``."""


def count(report: Report, counts: Counts) -> list[str]:
    """Count what is right, wrong and missed in a report; what is not right, in words."""
    read = read_report(report.text)
    faults: list[str] = []

    def add(field: str, found: set[str], true: set[str]) -> None:
        for outcome, values in (("right", found & true), ("wrong", found - true), ("missed", true - found)):
            counts[report.language, field, outcome] += len(values)
            faults.extend(f"{field} {outcome}: {value}" for value in sorted(values) if outcome != "right")

    pairs, extra, missed = paired(read, report.truth.nodules)
    counts[report.language, "nodule", "right"] += len(pairs)
    counts[report.language, "nodule", "wrong"] += len(extra)
    counts[report.language, "nodule", "missed"] += len(missed)
    faults += [f"nodule wrong: { {name: value.value for name, value in one.values.items()} }" for one in extra]
    faults += [f"nodule missed: {one}" for one in missed]
    for one, true in [*pairs, *((one, None) for one in extra), *((None, true) for true in missed)]:
        for field in NODULE_FIELDS:
            said = _comparable(field, one.get(field)) if one is not None else ""
            add(field, {said} - {""}, {(true or {}).get(field, "")} - {""})
    add("no nodules", {"yes"} if read.no_nodules else set(), {"yes"} if report.truth.none else set())
    add("advice", {one.words for one in read.advice}, report.truth.advice)
    add("Lung-RADS", {one.value for one in read.category}, {report.truth.category} - {""})
    add(
        "patient",
        {f"{one.about} {one.value}" for one in read.patient},
        {f"{k} {v}" for k, v in report.truth.patient.items()},
    )
    return faults


def paired(
    read: ReadReport, truth: Sequence[dict[str, str]]
) -> tuple[list[tuple[ReportedNodule, dict[str, str]]], list[ReportedNodule], list[dict[str, str]]]:
    """Pair what was found with the truth: those that agree most first; one that agrees in nothing is no pair."""
    found = [one for one in read.nodules if one.standing == "now"]
    left = list(truth)
    pairs = []
    scored = sorted(
        ((_agreement(one, true), n, m) for n, one in enumerate(found) for m, true in enumerate(left)), reverse=True
    )
    used_found: set[int] = set()
    used_true: set[int] = set()
    for score, n, m in scored:
        if score > 0 and n not in used_found and m not in used_true:
            pairs.append((found[n], left[m]))
            used_found.add(n)
            used_true.add(m)
    return (
        pairs,
        [one for n, one in enumerate(found) if n not in used_found],
        [one for m, one in enumerate(left) if m not in used_true],
    )


def _agreement(one: ReportedNodule, true: dict[str, str]) -> float:
    weights = {"size_mm": 3.0, "place": 3.0}
    same = sum(weights.get(f, 1.0) for f in NODULE_FIELDS if true.get(f) and _comparable(f, one.get(f)) == true[f])
    return same if same or true else 1.0


def _comparable(field: str, value: str) -> str:
    """Without the segment: the truth of a place is its lobe."""
    return (
        ", ".join(" ".join(part.split()[:2]) if " S" in part else part for part in value.split(", "))
        if field == "place"
        else value
    )


def table(counts: Counts) -> list[str]:
    """Write the table in Markdown: precision / recall (of how many true ones)."""
    lines = ["| field | English | German | Chinese | all |", "|---|---|---|---|---|"]
    for field in FIELDS:
        cells = [_cell(counts, field, some) for some in (("en",), ("de",), ("zh",), ("en", "de", "zh"))]
        lines.append(f"| {field.replace('_', ' ').replace(' mm', '')} | " + " | ".join(cells) + " |")
    return lines


def _cell(counts: Counts, field: str, languages: Sequence[str]) -> str:
    right, wrong, missed = (
        sum(counts[one, field, outcome] for one in languages) for outcome in ("right", "wrong", "missed")
    )
    if right + wrong + missed == 0:
        return "–"
    precision = f"{right / (right + wrong):.2f}" if right + wrong else "–"
    recall = f"{right / (right + missed):.2f}" if right + missed else "–"
    return f"{precision} / {recall} ({right + missed})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="print reports in which something is wrong")
    arguments = parser.parse_args()
    sets = {
        "made from templates": made_reports(),
        "adversarial": written_reports("adversarial"),
        "unseen": written_reports("unseen"),
    }
    for name, reports in sets.items():
        counts: Counts = Counter()
        whole = 0
        for report in reports:
            faults = count(report, counts)
            whole += not faults
            if faults and arguments.wrong:
                print(f"--- {report.name}\n{report.text}\n" + "\n".join(f"    {one}" for one in faults))
        print(f"\n{name}: {len(reports)} reports, {whole} without any fault (precision / recall, how many are true)\n")
        print("\n".join(table(counts)))


if __name__ == "__main__":
    main()

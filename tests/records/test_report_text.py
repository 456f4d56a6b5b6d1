"""Reading free-text reports: what is found, with which words, and what must not be found."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project_scripts import script

from napari_lesion.records.findings import ReadReport, items
from napari_lesion.records.read import read_report
from napari_lesion.records.sentences import sentences

report_text = script("report_text", "benchmarks")


def nodules(read: ReadReport) -> list[dict[str, str]]:
    return [{name: value.value for name, value in one.values.items()} for one in read.nodules if one.standing == "now"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "4 x 3 mm nodule in series 3 image 45 (previously 3 x 3 mm).",
            [{"size_mm": "4 x 3", "earlier_size_mm": "3 x 3"}],
        ),
        ("No new or enlarging nodule.", []),
        ("Status post RUL lobectomy.", []),
        ("1.2 cm hepatic cyst. 9 mm thyroid nodule.", []),
        ("S/p wedge resection of a 12 mm RUL nodule in 2018.", []),
        ("Nodule LUL, 5 mm from the pleura. Slice thickness 2 mm.", [{"place": "left upper"}]),
        ("No nodule larger than 4 mm.", []),
        (
            "Nodule LLL has decreased from 11 to 6 mm.",
            [{"size_mm": "6", "earlier_size_mm": "11", "place": "left lower", "change": "shrunk"}],
        ),
        (
            "Im OL re. 0,7 cm Milchglasherd, idem.",
            [{"size_mm": "7", "place": "right upper", "type": "non-solid", "change": "stable"}],
        ),
        ("Kein Nachweis intrapulmonaler Rundherde. Leberzyste 12 mm.", []),
        (
            "右肺上叶磨玻璃结节，约8×6mm，较前增大（原5mm）。肝囊肿12mm。",
            [
                {
                    "size_mm": "8 x 6",
                    "earlier_size_mm": "5",
                    "place": "right upper",
                    "type": "non-solid",
                    "change": "grown",
                }
            ],
        ),
        ("双肺未见结节。", []),
    ],
)
def test_nodules_are_read_as_they_are_told(text: str, expected: list[dict[str, str]]) -> None:
    assert nodules(read_report(text)) == expected


def test_no_nodules_is_not_no_new_nodules() -> None:
    assert read_report("No pulmonary nodules.").no_nodules
    assert not read_report("No new or enlarging nodule.").no_nodules
    assert read_report("No new or enlarging nodule.").no_new
    assert not read_report("Keine neuen Rundherde.").no_nodules


def test_an_abbreviation_that_means_two_lobes_is_no_lobe() -> None:
    german = read_report("Rundherd RUL 6 mm, unverändert.")
    assert nodules(german)[0]["place"] == "right"
    assert "RUL" in german.notes[0]
    assert nodules(read_report("The RUL nodule is 6 mm."))[0]["place"] == "right upper"


def test_each_value_has_its_words_also_where_they_are_misspelt() -> None:
    text = "Noncalcified nodul of 6 mm in the rigth upper lobe, unchangd. f/u CT 6-12 months."
    read = read_report(text)
    words = {item.field: text[item.start : item.end] for item in items(read)}
    assert words["size_mm"] == "6 mm"
    assert words["change"] == "unchangd"
    assert words["place"] == "rigth upper lobe"
    assert read.advice[0].words == "CT 6-12"


def test_what_was_done_or_is_only_possible_is_no_advice() -> None:
    assert not read_report("PET-CT of 2021 showed no uptake. Biopsy was negative.").advice
    (advice,) = read_report("Optional CT at 12 months if high risk.").advice
    assert advice.condition
    assert not read_report("Nodule stable for 24 months on follow-up CT.").advice


def test_doubt_and_history_are_kept_apart() -> None:
    doubtful = read_report("Questionable 3 mm nodule LUL.").nodules[0]
    assert doubtful.uncertain
    sure = read_report("3 mm nodule LUL, possibly a granuloma.").nodules[0]
    assert not sure.uncertain
    read = read_report("INDICATION: known 5 mm nodule in the RML.\nFINDINGS: No nodule.")
    assert [one.standing for one in read.nodules] == ["history"]
    assert read.no_nodules


def test_what_is_said_of_the_patient() -> None:
    said = {
        one.about: one.value
        for one in read_report(
            "Clinical: former smoker, 30 pack-years, history of breast cancer. Lungs: no emphysema."
        ).patient
    }
    assert said == {"smoking": "former", "pack_years": "30", "prior_cancer": "yes", "emphysema": "no"}
    assert not read_report("No subcutaneous emphysema. Family history: none. Rule out lung cancer.").patient


@pytest.mark.parametrize("name", ["templates", "adversarial", "unseen"])
def test_precision_and_recall_hold(name: str) -> None:
    reports = report_text.made_reports(each=2) if name == "templates" else report_text.written_reports(name)
    counts: Counter[tuple[str, str, str]] = Counter()
    for report in reports:
        report_text.count(report, counts)
    for field in ("nodule", "size_mm", "place", "change", "advice"):
        right, wrong, missed = (
            sum(counts[language, field, outcome] for language in ("en", "de", "zh"))
            for outcome in ("right", "wrong", "missed")
        )
        assert right / (right + wrong) > 0.9, field
        assert right / (right + missed) > 0.9, field


def test_endless_sentences_and_words_are_cut_and_what_is_in_them_is_found() -> None:
    text = "a" * 5000 + " " + "no effusion and " * 300 + ". Nodule of 7 mm in the LLL."
    assert max(len(one.text) for one in sentences(text, "en")) <= 5001
    assert all(len(one.text) <= 1200 for one in sentences(text[5000:], "en"))
    (nodule,) = read_report(text).nodules
    size = nodule.values["size_mm"]
    assert text[size.start : size.end] == "7 mm"


def test_a_nodule_of_another_organ_lends_its_sizes_to_nobody() -> None:
    read = read_report("No lung nodule. Bilateral adrenal nodules: right 12 mm, left 15 mm, likely adenomas.")
    assert nodules(read) == []
    assert read.no_nodules


_PIECES = st.sampled_from(
    [
        "5 mm",
        "x",
        "nodule",
        "Rundherd",
        "结节",
        "RUL",
        "rechts",
        "右肺上叶",
        "no",
        "kein",
        "未见",
        "previously",
        ",",
        ".",
        "\n",
        "（",
        "(",
        ")",
        "CT",
        "in 3 months",
        "stable",
        "von",
        "auf",
        "-->",
        "?",
        "Lung-RADS 4A",
        "liver:",
        "\x00",
        "½",
        "8,5",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_PIECES, max_size=25).map(" ".join))
def test_any_text_can_be_read_and_all_words_are_its_own(text: str) -> None:
    for item in items(read_report(text)):
        assert 0 <= item.start < item.end <= len(text)

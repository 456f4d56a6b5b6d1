"""Errors of the core are sentences in the language of the viewer, with their values in place."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from plugin_scan import BlobDetector
from project_scripts import script

from napari_lesion import pipeline
from napari_lesion.assessment.guidelines.fleischner import row
from napari_lesion.dicom.index.series import find_series
from napari_lesion.imaging import suitability
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin import texts
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.finding_text import advice_line, measurement_notes
from napari_lesion.plugin.texts import FOLDER, tr, use_language
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.report.impression import impression
from napari_lesion.support.errors import ConfigError, SeriesError

RISKS: tuple[Literal["low", "high"], ...] = ("low", "high")


@pytest.fixture(autouse=True)
def _english_again(qapp: Any) -> Iterator[None]:
    yield
    use_language("en")


def filled(template: str) -> tuple[str, list[str]]:
    """Make a sentence of a template, with values that occur in no text."""
    values = {number: f"Ω{number}µ" for number in re.findall(r"\{(\d+)\}", template)}
    return re.sub(r"\{(\d+)\}", lambda place: values[place[1]], template), list(values.values())


def said_in(language: str) -> dict[str, str]:
    """What the core says without raising it: templates of some words, not the signs between them."""
    known: dict[str, str] = json.loads((FOLDER / f"said.{language}.json").read_text(encoding="utf-8"))
    return {template: said for template, said in known.items() if len(template) > 6}


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_sentence_that_is_translated_has_its_values_in_place(language: str) -> None:
    use_language(language)
    known: dict[str, str] = json.loads((FOLDER / f"core.{language}.json").read_text(encoding="utf-8")) | said_in(
        language
    )
    translated = {template: said for template, said in known.items() if said}
    assert len(translated) > 200
    for template in translated:
        sentence, values = filled(template)
        said = in_language(sentence)
        assert said != sentence or known[template] == template, template
        # A word of English grammar ("was", "were") is a value, too, that another language may leave out.
        dropped = {"{1} of {2} findings {3} not measured.": ["Ω3µ"]}.get(template, [])
        assert all(value in said for value in values if value not in dropped), template
        assert not re.search(r"\{\d+\}", said), template


def test_sentences_are_collected_where_they_are_raised() -> None:
    found = script("update_translations").sentences_of_the_core()
    assert "{1}: there is no such file or folder. Check the path." in found
    assert "That place is outside the scan." in found
    assert not any("{0}" in one or "{}" in one for one in found)


def test_an_error_that_is_really_raised_is_said_in_german(tmp_path: Path) -> None:
    with pytest.raises(SeriesError) as raised:
        find_series(tmp_path / "missing")
    assert sentence(raised.value) == str(raised.value), "in English as it is"
    use_language("de")
    assert str(tmp_path / "missing") in sentence(raised.value)
    assert "Es gibt keine solche Datei" in sentence(raised.value)


def test_a_reason_within_a_sentence_is_translated_too_and_what_is_unknown_stays() -> None:
    use_language("de")
    reason = "That place is outside the scan."
    said = in_language(f"/data/report.json cannot be read ({reason}).")
    assert said == "/data/report.json kann nicht gelesen werden (Diese Stelle liegt außerhalb der Aufnahme.)."
    assert sentence(ConfigError("Something that nobody ever wrote down.")) == "Something that nobody ever wrote down."
    assert in_language("") == ""


def test_what_the_core_says_without_raising_it_is_still_said_so() -> None:
    """A sentence that is changed in the core has to be translated anew."""
    literals = [
        node.value
        for file in Path(texts.__file__).parents[1].rglob("*.py")
        if "plugin" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    code = "\n".join(literals)
    german, chinese = said_in("de"), said_in("zh")
    assert german.keys() == chinese.keys()
    made_of_pieces = {"Multiple solid", "Single solid", "low or high risk", "low risk", "high risk"}
    made_of_pieces |= {f"Single {kind}, under 6 mm" for kind in ("solid", "part-solid", "non-solid")}
    made_of_pieces |= {template for template in german if template.startswith("The scan does not show the ")}
    made_of_pieces |= {template for template in german if re.match(r"The lungs (go on|are unusually) ", template)}
    made_of_pieces |= {template for template in german if template.endswith("sizes are rough.")}
    for template in german.keys() - made_of_pieces:
        for piece in re.split(r"\{\d+\}", template):
            words = piece.strip(" ,;:.()")
            assert words in code, template


@pytest.mark.parametrize("language", ["de", "zh"])
def test_why_a_scan_suits_the_models_badly_is_said_in_the_language(scan: Volume, language: str) -> None:
    """All that `suitability` can say, as it says it."""
    use_language(language)
    shown = [np.zeros((20, 40, 40), bool) for _ in range(7)]
    whole, inner = slice(None), slice(5, -5)
    cuts = (
        *((inner, inner, inner), (slice(10), inner, inner), (slice(10, None), inner, inner), (whole, inner, inner)),
        *((inner, inner, slice(20)), (inner, slice(20, None), whole), (inner, whole, whole)),
    )
    for mask, cut in zip(shown, cuts, strict=True):
        mask[cut] = True
    said = set()
    for mask, value in product(shown, (-850, -200, -990)):
        said |= set(suitability.of_lungs(mask, np.full(mask.shape, value, np.float32), np.diag((3.0, 3.0, 3.0, 1.0))))
    noise = np.random.default_rng(0).normal(40, 120, scan.shape)
    for voxels, spacing in ((noise, 6.0), (np.full(scan.shape, 700), 1.0)):
        affine = scan.affine.copy()
        affine[:3, 0] *= spacing / scan.spacing[0]
        affine[:3, 1:3] *= 3
        said |= set(suitability.of_scan(replace(scan, voxels=voxels.astype(scan.voxels.dtype), affine=affine)))
    assert len(said) >= 11, said
    for one in said:
        told = in_language(one)
        assert told != one
        assert not re.search(r"\b(the|of|and|is|are|right|left|front|back)\b", told), told


@pytest.fixture
def judged(scan: Volume) -> Report:
    """The sample of all these tests, searched, measured and judged, of a patient of whom nothing is known."""
    return pipeline.assess(pipeline.search(scan, detector=BlobDetector()).report, scan)


def test_certificates_measurements_and_guidelines_are_in_german(judged: Report) -> None:
    use_language("de")
    assert judged.judgement is not None
    said = [advice_line(one, "") for one in (judged.judgement.lung_rads, judged.judgement.fleischner)]
    said += [measurement_notes(finding) for finding in judged.findings]
    said.append(in_language("Voxels at -3024 are padding (PixelPaddingValue): nothing was acquired there."))
    english = re.compile(r"\b(the|is|are|of|with|not known|months|measured|there)\b")
    for text in said:
        assert not english.search(text), text
    assert any("Lungenkrebs-Screening" in text for text in said)


def test_a_patients_own_words_are_not_translated() -> None:
    use_language("de")
    for text in ("Doe, Jane; A: B, C", "CT chest, lung cancer in the family, Dr. Who"):
        assert in_language(text) == text


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_row_of_fleischners_table_and_open_categories_are_said_in_the_language(language: str) -> None:
    use_language(language)
    english = {"Single", "Multiple", "solid", "under", "over", "more", "with", "and", "then", "consider", "or", "to"}
    for kind, mm, multiple, risk in product(("solid", "part-solid", "non-solid"), (4, 7, 9), (True, False), RISKS):
        advised = row(kind, mm, multiple, risk)
        risks = (f", {risk} risk", ", low or high risk") if advised.risk is not None else ()
        for text in (advised.name, *(advised.name + one for one in risks)):
            assert not english & set(re.findall(r"[A-Za-z]+", in_language(text))), in_language(text)
    joint = in_language("2 or 4B").removeprefix("2").removesuffix("4B")
    assert joint == {"de": " oder ", "zh": "或"}[language]
    assert in_language("2, 3 or 4A").endswith(f"3{joint}4A")


def test_an_impression_quotes_guidelines_in_the_language(judged: Report) -> None:
    use_language("de")
    said = "\n".join(impression(judged, tr, in_language))
    assert judged.judgement is not None
    for advice in (judged.judgement.lung_rads, judged.judgement.fleischner):
        for text in filter(None, (advice.category, advice.advice, advice.would_be)):
            assert " " not in text or text not in said, "as it is in English"

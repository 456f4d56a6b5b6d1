"""Errors of the core are sentences in the language of the viewer, with their values in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project_scripts import script

from napari_lesion.dicom.index.series import find_series
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import FOLDER, use_language
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import ConfigError, SeriesError


@pytest.fixture(autouse=True)
def _english_again(qapp: Any) -> Iterator[None]:
    yield
    use_language("en")


def filled(template: str) -> tuple[str, list[str]]:
    """Make a sentence of a template, with values that occur in no text."""
    values = {number: f"Ω{number}µ" for number in re.findall(r"\{(\d+)\}", template)}
    return re.sub(r"\{(\d+)\}", lambda place: values[place[1]], template), list(values.values())


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_sentence_that_is_translated_has_its_values_in_place(language: str) -> None:
    use_language(language)
    known: dict[str, str] = json.loads((FOLDER / f"core.{language}.json").read_text(encoding="utf-8"))
    translated = {template: said for template, said in known.items() if said}
    assert len(translated) > 200
    for template in translated:
        sentence, values = filled(template)
        said = in_language(sentence)
        assert said != sentence, template
        assert all(value in said for value in values), template
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

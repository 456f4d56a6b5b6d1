"""Texts in the user's language: all of them, with their values in place, compiled, and right on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import Formatter

import pytest
from project_scripts import script
from qtpy.QtCore import QLocale, QTranslator

from napari_lesion.plugin.settings import store
from napari_lesion.plugin.texts import CONTEXT, FOLDER, LANGUAGES, chosen_language, tr, use_language

TRANSLATED = sorted(set(LANGUAGES) - {"en"})


@pytest.fixture
def _english_again(qapp) -> Iterator[None]:
    yield
    use_language("en")


@pytest.fixture(scope="module")
def updates():
    return script("update_translations")


def fields(text: str) -> list[str]:
    """Names of the values in a text, with how they are written."""
    return sorted(f"{name}:{how}" for _, name, how, _ in Formatter().parse(text) if name is not None)


def test_there_is_a_file_for_every_language() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ts")) == TRANSLATED


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_in_the_code_is_translated_with_its_values_and_keys(updates, language: str) -> None:
    known = updates.translations(FOLDER / f"{language}.ts")
    texts = updates.texts_in_code()
    assert len(texts) > 200
    assert [text for text in texts if not known.get(text)] == [], "translate them, see scripts/update_translations.py"
    assert sorted(known.keys() - set(texts)) == [], "run scripts/update_translations.py: these texts are gone"
    for text in texts:
        assert fields(known[text]) == fields(text), text
        digits = [re.findall(r"(?:Ctrl|Strg|Alt)\+\d", one.replace("Strg", "Ctrl")) for one in (text, known[text])]
        assert digits[0] == digits[1], text


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_loaded_is_what_is_written(updates, language: str) -> None:
    translator = QTranslator()
    assert translator.load(str(FOLDER / f"{language}.qm"))
    for text, said in updates.translations(FOLDER / f"{language}.ts").items():
        assert translator.translate(CONTEXT, text) == said, "run scripts/update_translations.py"


@pytest.mark.usefixtures("_english_again")
def test_texts_are_said_in_the_language_that_is_chosen() -> None:
    assert tr("Findings") == "Findings"
    use_language("de")
    assert tr("Findings") == "Befunde"
    assert tr("Series {number}", number=4) == "Serie 4"
    use_language("zh")
    assert tr("Findings") == "病灶"
    assert tr("a text that nobody translated") == "a text that nobody translated"
    use_language("en")
    assert tr("Findings") == "Findings"


@pytest.mark.parametrize(
    ("system", "chosen"),
    [(["de-AT", "de"], "de"), (["zh-Hans-CN", "zh"], "zh"), (["fr-FR", "de-DE"], "de"), (["fr-FR"], "en"), ([], "en")],
)
def test_the_language_is_that_of_the_system_unless_one_is_set(monkeypatch, system: list[str], chosen: str) -> None:
    class System:
        def uiLanguages(self) -> list[str]:  # noqa: N802 - Qt's name
            return system

    monkeypatch.setattr(QLocale, "system", System)
    assert chosen_language() == chosen
    store("language", "zh")
    assert chosen_language() == "zh"
    store("language", "xx")
    assert chosen_language() == "en"

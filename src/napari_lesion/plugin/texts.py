"""Every text on the screen goes through `tr`: English in the code, other languages in ``plugin/translations``."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QCoreApplication, QLibraryInfo, QLocale, QThread, QTranslator

from napari_lesion.plugin.settings import option

CONTEXT = "napari-lesion"
FOLDER = Path(__file__).with_name("translations")
LANGUAGES = {"en": "English", "de": "Deutsch", "zh": "中文"}
"""What there is, by code, each by its own name."""
_QT = {"de": "qtbase_de", "zh": "qtbase_zh_CN"}
"""Qt's own translations: of the buttons of its dialogs."""
_PROPERTY = "napari-lesion language"


def tr(text: str, **values: object) -> str:
    """Phrase a text in the user's language.

    Parameters
    ----------
    text : str
        In English, a literal; ``{name}`` stands for a value.
    **values
        What is filled in.
    """
    app = QCoreApplication.instance()
    if app is not None and app.property(_PROPERTY) is None and QThread.currentThread() is app.thread():
        use_language(chosen_language())
    said = QCoreApplication.translate(CONTEXT, text)
    return said.format(**values) if values else said


def N_(text: str) -> str:  # noqa: N802  (gettext's own name for it)
    """Mark a text, a literal, that is kept in English and goes through `tr` where it is shown."""
    return text


def chosen_language() -> str:
    """Code of the language that the user has set, or else the first of the system's that there is."""
    language = option("language")
    wanted = [language] if language else [name.partition("-")[0] for name in QLocale.system().uiLanguages()]
    return next((code for code in wanted if code in LANGUAGES), "en")


def current_language() -> str:
    """Code of the language that is spoken now."""
    app = QCoreApplication.instance()
    return str(app.property(_PROPERTY) or "en") if app is not None else "en"


def use_language(code: str) -> None:
    """Speak one of `LANGUAGES` from now on; what is on the screen already stays as it is."""
    app = QCoreApplication.instance()
    if app is None:
        return
    for old in app.findChildren(QTranslator, _PROPERTY):
        app.removeTranslator(old)
        old.setParent(None)
    app.setProperty(_PROPERTY, code)
    qt = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)) / f"{_QT.get(code, '')}.qm"
    for file in (qt, FOLDER / f"{code}.qm"):
        translator = QTranslator(app)
        translator.setObjectName(_PROPERTY)
        if file.is_file() and translator.load(str(file)):
            app.installTranslator(translator)

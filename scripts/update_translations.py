"""Bring the translations of the viewer up to date with the texts in its code.

    python scripts/update_translations.py

Collects every text that goes through ``tr`` in src/napari_lesion/plugin, and those of the table of keys, of the
settings and of the impression; keeps what is translated in plugin/translations/*.ts, adds what is new (marked as
unfinished), drops what is gone, and compiles the .qm files that are loaded. Translate in Qt Linguist, or in the .ts
file itself, and run it again.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

REPOSITORY = Path(__file__).resolve().parent.parent
PLUGIN = REPOSITORY / "src" / "napari_lesion" / "plugin"
CONTEXT = "napari-lesion"


def main() -> None:
    """Update all languages, and say what is left to translate."""
    texts = texts_in_code()
    for path in sorted((PLUGIN / "translations").glob("*.ts")):
        known = translations(path)
        write(path, path.stem, {text: known.get(text, "") for text in texts})
        compile_qm(path, path.with_suffix(".qm"))
        missing = [text for text in texts if not known.get(text)]
        print(f"{path.name}: {len(texts)} texts, {len(missing)} not translated")
        for text in missing:
            print(f"    {text!r}")


def texts_in_code() -> list[str]:
    """All texts that are shown, sorted."""
    from napari_lesion.assessment.patient.fields import FINDING_FIELDS, PATIENT_FIELDS
    from napari_lesion.model.findings import RESEARCH_USE
    from napari_lesion.plugin.settings import OPTIONS
    from napari_lesion.plugin.viewer.actions import actions
    from napari_lesion.report import impression

    texts = {RESEARCH_USE, *impression.TEXTS, *(action.text for action in actions())}
    texts |= {text for option in OPTIONS for text in option.texts}
    for field in (*PATIENT_FIELDS, *FINDING_FIELDS):
        texts |= {field.label, field.help, field.unit, *(label for _, label in field.values)}
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "later"):
                texts.add(_literal(node, path))
    return sorted(texts - {""})


def _literal(call: ast.Call, path: Path) -> str:
    """Get the text of a call of ``tr``; "" where it stands for a text that is collected elsewhere."""
    text = call.args[0]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return text.value
    if isinstance(text, ast.JoinedStr | ast.BinOp):
        sys.exit(f"{path}:{call.lineno}: tr needs a literal, with values as {{name}}.")
    return ""


def translations(path: Path) -> dict[str, str]:
    """Read what a .ts file has, by English text; "" for what is not translated."""
    tree = ElementTree.parse(path)
    return {
        message.findtext("source", ""): message.findtext("translation") or ""
        for message in tree.iterfind("context/message")
    }


def write(path: Path, language: str, known: dict[str, str]) -> None:
    """Write a .ts file."""
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ElementTree.SubElement(root, "context")
    ElementTree.SubElement(context, "name").text = CONTEXT
    for text, said in known.items():
        message = ElementTree.SubElement(context, "message")
        ElementTree.SubElement(message, "source").text = text
        translation = ElementTree.SubElement(message, "translation")
        if said:
            translation.text = said
        else:
            translation.set("type", "unfinished")
    ElementTree.indent(root, "    ")
    body = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8")


def compile_qm(ts: Path, qm: Path) -> None:
    """Compile a .ts file to what Qt loads."""
    command = [Path(sys.executable).with_name("pyside6-lrelease"), "-silent", ts, "-qm", qm]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

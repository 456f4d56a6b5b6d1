"""Bring the translations of the viewer up to date with the texts in its code.

    python scripts/update_translations.py

Collects every text that goes through ``tr`` in src/napari_lesion/plugin, and those of the table of keys, of the
settings and of the impression; keeps what is translated in plugin/translations/*.ts, adds what is new (marked as
unfinished), drops what is gone, and compiles the .qm files that are loaded. Translate in Qt Linguist, or in the .ts
file itself, and run it again. It does the same for the sentences of the core's errors in core.*.json: one that is not
translated there is said in English.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from napari_lesion.support import errors

REPOSITORY = Path(__file__).resolve().parent.parent
PLUGIN = REPOSITORY / "src" / "napari_lesion" / "plugin"
CONTEXT = "napari-lesion"
SHORTEST = 12
"""Letters that a template must have of its own."""


CORE = PLUGIN.parent
SAID_IN_THE_VIEWER = (
    "annotation",
    "assessment",
    "comparison",
    "deidentification/exports.py",
    "deidentification/keys.py",
    "deidentification/release.py",
    "deidentification/run.py",
    "detection/default.py",
    "detection/false_positive_reduction.py",
    "detection/nodule2d.py",
    "detection/nodule3d.py",
    "detection/registry.py",
    "dicom",
    "dicom_objects",
    "explain",
    "follow_up.py",
    "imaging",
    "model",
    "models",
    "pacs/association.py",
    "pacs/dicomweb.py",
    "pacs/dimse.py",
    "pacs/engines.py",
    "pacs/nodes.py",
    "pacs/receiver.py",
    "pacs/records.py",
    "pacs/retrieve.py",
    "pacs/send.py",
    "pacs/storage.py",
    "pipeline.py",
    "reading_study",
    "records",
    "report",
    "review",
    "samples.py",
    "security/audit.py",
    "security/audit_log.py",
    "security/roles.py",
    "security/signing.py",
    "support",
    "worklist/arrivals.py",
    "worklist/image_places.py",
    "worklist/store.py",
)
"""Where the core raises what a reader can come upon; the rest is for those who train and evaluate."""


def main() -> None:
    """Update all languages, and say what is left to translate."""
    texts, core = texts_in_code(), sentences_of_the_core()
    for path in sorted((PLUGIN / "translations").glob("*.ts")):
        known = translations(path)
        write(path, path.stem, {text: known.get(text, "") for text in texts})
        compile_qm(path, path.with_suffix(".qm"))
        _tell(path, texts, known)
        of_core = path.with_name(f"core.{path.stem}.json")
        known = json.loads(of_core.read_text(encoding="utf-8")) if of_core.is_file() else {}
        now = {text: known.get(text, "") for text in core}
        of_core.write_text(json.dumps(now, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
        _tell(of_core, core, known)


def _tell(path: Path, texts: list[str], known: dict[str, str]) -> None:
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
    from napari_lesion.worklist import ranking

    texts = {RESEARCH_USE, *impression.TEXTS, *ranking.TEXTS.values(), *(action.text for action in actions())}
    texts |= {text for option in OPTIONS for text in option.texts}
    for field in (*PATIENT_FIELDS, *FINDING_FIELDS):
        texts |= {field.label, field.help, field.unit, *(label for _, label in field.values)}
    for path in PLUGIN.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "N_"):
                texts.add(_literal(node, path))
    return sorted(texts - {""})


def sentences_of_the_core() -> list[str]:
    """All errors that the core raises where a viewer is, sorted: their values are ``{1}``, ``{2}``, ..."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    found: set[str] = set()
    for place in SAID_IN_THE_VIEWER:
        path = CORE / place
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    kind = node.exc.func
                    if isinstance(kind, ast.Name) and kind.id in kinds and node.exc.args:
                        found |= set(_templates(node.exc.args[0]))
    return sorted(found)


def _templates(message: ast.expr) -> list[str]:
    """Make templates of the message of an error; none where it is put together elsewhere."""
    if isinstance(message, ast.IfExp):
        return [*_templates(message.body), *_templates(message.orelse)]
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    text, count = "", 0
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            text += part.value
        elif isinstance(part, ast.FormattedValue):
            count += 1
            text += f"{{{count}}}"
        else:
            return []
    # What is little more than a value is no sentence of its own.
    return [text] if len(re.sub(r"\{\d+\}", "", text)) > SHORTEST else []


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

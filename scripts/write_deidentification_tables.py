"""Write the tables of de-identification: the rules of PS3.15 Table E.1-1, and which attributes IODs allow.

Run as ``python scripts/write_deidentification_tables.py FACTS.csv``, where FACTS.csv has a row for each attribute of
Table E.1-1: ``tag, name, basic, since`` and a column for each option of the profile. The attributes of the IODs are
those that highdicom comes with.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import highdicom
from pydicom.datadict import tag_for_keyword

TABLES = Path(__file__).parents[1] / "src" / "napari_lesion" / "deidentification" / "tables"
EDITION = "PS3.15 2026c (options: 2024e; attributes added since have none, and are removed whatever is asked for)"
COLUMNS = {
    "retain_dates_shifted": "retain_modified_dates",
    "retain_patient_characteristics": "retain_patient_characteristics",
    "retain_device": "retain_device",
    "retain_institution": "retain_institution",
    "retain_safe_private": "retain_safe_private",
    "retain_uids": "retain_uids",
    "clean_descriptors": "clean_descriptors",
    "clean_structured_content": "clean_structured_content",
    "clean_graphics": "clean_graphics",
}
SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "Legacy Converted Enhanced CT",
    "1.2.840.10008.5.1.4.1.1.128": "PET",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.2": "Multi-frame Grayscale Byte Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.3": "Multi-frame Grayscale Word Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.4": "Multi-frame True Color Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation",
    "1.2.840.10008.5.1.4.1.1.30": "Parametric Map",
    "1.2.840.10008.5.1.4.1.1.66.1": "Spatial Registration",
    "1.2.840.10008.5.1.4.1.1.67": "Real World Value Mapping",
    "1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR",
    "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection",
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
    "1.2.840.10008.5.1.4.1.1.481.3": "RT Structure Set",
}


def main(facts: Path) -> None:
    """Write both tables."""
    write_rules(facts)
    write_iods()


def write_rules(facts: Path) -> None:
    """Write ``e1-1.csv``."""
    with facts.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (TABLES / "e1-1.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {EDITION}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["tag", "name", "basic", *COLUMNS])
        for row in rows:
            tag = row["tag"]
            tag = "private" if "ODD" in tag else tag.strip("()").replace(",", "").lower()
            writer.writerow([tag, row["name"], row["basic"], *(row[source] for source in COLUMNS.values())])


def write_iods() -> None:
    """Write ``iods.json``: types of attributes at the top of each IOD, and within each sequence of any of them."""
    standard = Path(highdicom.__file__).parent / "_standard"
    modules = json.loads((standard / "iod_module_map.json").read_text("utf-8"))
    attributes = json.loads((standard / "module_attribute_map.json").read_text("utf-8"))
    names = json.loads((standard / "sop_class_iod_map.json").read_text("utf-8"))
    top: dict[str, dict[str, str]] = {}
    inside: dict[str, dict[str, str]] = defaultdict(dict)
    for uid in SOP_CLASSES:
        top[uid] = {}
        for module in modules[names[uid]]:
            for one in attributes[module["key"]]:
                tag = tag_for_keyword(one["keyword"])
                if tag is None:
                    continue
                place = top[uid]
                if one["path"]:
                    parent = tag_for_keyword(one["path"][-1])
                    if parent is None:
                        continue
                    place = inside[f"{parent:08x}"]
                name = f"{tag:08x}"
                # An attribute of several modules, or of a sequence in several places, is as needed as it is anywhere;
                # that of a module which need not be there is needed only with the module.
                kind = one["type"] if module["usage"] == "M" or one["path"] else one["type"].rstrip("C") + "C"
                place[name] = min(place.get(name, "3"), kind.replace("3C", "3"))
    # A content item may hold what the root of a document holds, and items in turn (PS3.3, C.17.3.2).
    items = inside["0040a730"]
    for one in attributes["sr-document-content"]:
        if not one["path"]:
            items.setdefault(f"{tag_for_keyword(one['keyword']):08x}", "1C")
    text = {
        "source": f"highdicom {version('highdicom')} (MIT)",
        "names": SOP_CLASSES,
        "top": {uid: dict(sorted(kinds.items())) for uid, kinds in top.items()},
        "inside": {tag: dict(sorted(kinds.items())) for tag, kinds in sorted(inside.items())},
    }
    lines = json.dumps(text, indent=1, ensure_ascii=False)
    (TABLES / "iods.json").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

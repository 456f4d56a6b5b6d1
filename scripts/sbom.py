"""The bill of materials of an installation: CycloneDX 1.6 of what a user gets with some extras, and nothing else.

    python scripts/sbom.py [-o FILE] [EXTRA...]      by default with the extra gui, to stdout

Names, versions, licences as the packages say, and who needs whom, of what is installed here. It needs no network.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAME = "napari-lesion"


def bill_of_materials(extras: tuple[str, ...] = ("gui",)) -> Bom:
    """Make the bill of what is installed of the program, its extras, and all that they need."""
    bom = Bom()
    root = _component(NAME, ComponentType.APPLICATION)
    bom.metadata.component = root
    made = {canonicalize_name(NAME): root}
    todo, seen = [(NAME, frozenset(extras))], set()
    edges: dict[str, set[str]] = {}
    while todo:
        item = name, wanted = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        for line in importlib.metadata.requires(name) or ():
            needed = Requirement(line)
            marker = needed.marker
            if marker is not None and not any(marker.evaluate({"extra": extra}) for extra in wanted | {""}):
                continue
            key = canonicalize_name(needed.name)
            if key not in made:
                made[key] = _component(needed.name)
                bom.components.add(made[key])
            edges.setdefault(canonicalize_name(name), set()).add(key)
            todo.append((needed.name, frozenset(needed.extras)))
    for name, component in made.items():
        bom.register_dependency(component, [made[key] for key in sorted(edges.get(name, set()) - {name})])
    return bom


def _component(name: str, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        sys.exit(f"{name} is needed and not installed: the bill is of what is installed, with the extras named.")
    version = importlib.metadata.version(name)
    classifiers = [one for one in metadata.get_all("Classifier") or () if one.startswith("License ::")]
    short = (metadata.get("License") or "").strip().splitlines()[:1]
    stated = metadata.get("License-Expression") or "; ".join(classifiers) or "".join(short) or _title_of_licence(name)
    key = canonicalize_name(name)
    return Component(
        name=metadata["Name"],
        version=version,
        type=kind,
        bom_ref=f"{key}@{version}",
        purl=PackageURL("pypi", name=key, version=version),
        licenses=[LicenseFactory().make_from_string(stated)] if stated else (),
    )


def _title_of_licence(name: str) -> str:
    """First line of the file with the licence, where the metadata state none."""
    for file in importlib.metadata.files(name) or ():
        if ".dist-info/" in str(file) and file.name.upper().startswith("LICEN"):
            return file.read_text().strip().splitlines()[0].strip()
    return ""


def main() -> None:
    """Write the bill."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extras", nargs="*", default=["gui"], metavar="EXTRA")
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    text = JsonV1Dot6(bill_of_materials(tuple(arguments.extras))).output_as_string(indent=2)
    if arguments.out is None:
        print(text)
    else:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

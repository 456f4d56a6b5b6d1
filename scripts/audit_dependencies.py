"""Whether a pinned or an installed dependency is a version with a known advisory. It needs no network.

    python scripts/audit_dependencies.py [CONSTRAINTS]

What is known stands in packaging/advisories.json, with its date: by package, the least version that is without the
advisories that were found. It is no database: ``pip-audit -r constraints.txt`` asks one, where there is a network.

Exit status: 0 none, 1 some.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

REPOSITORY = Path(__file__).parents[1]
KNOWN = REPOSITORY / "packaging" / "advisories.json"


def pinned(constraints: Path) -> dict[str, str]:
    """Versions of a file of constraints, by normalised name."""
    lines = (line.partition("#")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("==") for line in lines if "==" in line)
    return {canonicalize_name(name.strip()): version.strip() for name, version in pairs}


def installed() -> dict[str, str]:
    """Versions of what is installed, by normalised name."""
    return {canonicalize_name(one.name): one.version for one in importlib.metadata.distributions()}


def found(versions: Mapping[str, str], where: str) -> Iterator[str]:
    """Say which of these versions have a known advisory, a sentence each."""
    for one in json.loads(KNOWN.read_text(encoding="utf-8"))["advisories"]:
        version = versions.get(canonicalize_name(one["package"]))
        if version is not None and Version(version) < Version(one["least"]):
            yield f"{where}: {one['package']} {version} has {', '.join(one['ids'])}; take {one['least']} or later."


def main(constraints: Path = REPOSITORY / "constraints.txt") -> int:
    """Print what was found."""
    said = [*found(pinned(constraints), constraints.name), *found(installed(), "installed")]
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    print("\n".join(said) or f"No dependency has one of the advisories known on {known['date']}.")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))

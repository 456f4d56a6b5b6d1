"""No pinned or installed dependency has a known advisory, and the bill of materials names all that a user gets."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
KNOWN = json.loads((REPOSITORY / "packaging" / "advisories.json").read_text(encoding="utf-8"))


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_pinned_or_installed_has_a_known_advisory() -> None:
    done = run("audit_dependencies.py")
    assert done.returncode == 0, done.stdout
    assert KNOWN["date"] in done.stdout


def test_a_version_with_a_known_advisory_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("numpy==2.0\nPillow==12.1.1\nurllib3==2.6.3\n")
    done = run("audit_dependencies.py", tmp_path / "old.txt")
    assert done.returncode == 1
    assert [line.split(" has ")[0] for line in done.stdout.splitlines()] == [
        "old.txt: pillow 12.1.1",
        "old.txt: urllib3 2.6.3",
    ]


def test_advisories_that_pyproject_names_are_known() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}", text))
    known = {one for advisory in KNOWN["advisories"] for one in advisory["ids"]}
    assert len(named) > 15
    assert named <= known


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("bill") / "sbom.json"
    done = run("sbom.py", "-o", path, "gui", "security")
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_bill_names_what_a_user_gets_with_version_and_licence(bill: dict) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "napari-lesion"
    there = {one["name"].lower().replace("_", "-"): one for one in bill["components"]}
    assert {"numpy", "torch", "napari", "pydicom", "cryptography", "pyrage"} <= set(there)
    assert "pytest" not in there
    for one in there.values():
        assert one["version"] == importlib.metadata.version(one["name"])
        assert one["purl"].startswith("pkg:pypi/")
    assert not [name for name, one in there.items() if not one.get("licenses")]


def test_the_bill_says_who_needs_whom(bill: dict) -> None:
    needs = {one["ref"].partition("@")[0]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert any(ref.startswith("pydicom@") for ref in needs["napari-lesion"])
    assert any(ref.startswith("numpy@") for ref in needs["scipy"])

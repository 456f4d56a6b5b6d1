"""docs/security.md promises nothing that no test shows."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "security.md"


def names_of_all_tests() -> set[str]:
    return {
        name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def missing(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text)) - names_of_all_tests()


def test_each_test_that_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"`test_\w+`", text)) >= 12
    assert missing(text) == set()


def without_a_test(text: str) -> list[str]:
    """Promises of the checklist that name neither a test nor a file of tests that is there."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", text.partition("## Checklist")[2], re.MULTILINE)
    files = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "tests").rglob("test_*.py")}
    known = names_of_all_tests() | files
    promises = [(promise, set(re.findall(r"`([^`]+)`", shown))) for promise, shown in rows if promise != "promise"]
    return [promise for promise, shown in promises if promise != "---" and (not shown or not shown <= known)]


def test_each_line_of_the_checklist_has_a_test() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition("## Checklist")[2].count("\n| ") >= 25
    assert without_a_test(text) == []


def test_a_promise_without_a_test_is_noticed() -> None:
    told = "## Checklist\n\n| promise | test |\n|---|---|\n| Never | soon |\n| Always | `test_that_nobody_wrote` |\n"
    assert without_a_test(told) == ["Never", "Always"]


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert missing("`test_that_nobody_wrote`") == {"test_that_nobody_wrote"}


def test_the_page_says_how_to_report_a_hole_and_that_it_is_for_research() -> None:
    assert (REPOSITORY / "SECURITY.md").is_file()
    assert "For research use only" in PAGE.read_text(encoding="utf-8")

"""``napari-lesion worklist``: what a reader at a terminal, or a script, gets."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner
from worklist_case import large, results, small

from napari_lesion.cli.main import app
from napari_lesion.support.errors import WorklistError
from napari_lesion.worklist.rule import Rule, load_rule
from napari_lesion.worklist.store import ENVIRONMENT


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "worklist.sqlite"))
    place = results(tmp_path / "out", small(1, at=time.time()), large(2, at=time.time()), source=str(tmp_path / "ct"))

    def command(*words: str):
        return CliRunner().invoke(app, ["worklist", *words])

    assert "2 studies wait" in command("add", str(place)).output
    return command


def test_a_list_is_worked_off(run, tmp_path: Path) -> None:
    listed = json.loads(run("list", "--json").output)
    assert [one["patient_id"] for one in listed] == ["P2", "P1"]
    assert listed[0]["why"][0]["says"] == "+40.0 Lung-RADS 4B"
    first = json.loads(run("next", "--reader", "Ada", "--json").output)
    assert first["series"] == [
        {"series_uid": "1.2.2.1", "results": str(tmp_path / "out" / "1.2.2.1"), "images": str(tmp_path / "ct")}
    ]
    refused = run("claim", first["id"], "--reader", "Bo").exception
    assert isinstance(refused, WorklistError)
    assert refused.exit_status == 1
    assert run("done", first["id"], "--reader", "Ada").exit_code == 0
    assert "P1" in run("next", "--reader", "Bo").output
    assert run("next", "--reader", "Cy").exit_code == 1
    assert run("release", "1.2.1", "--reader", "Cy").exit_code == 1
    assert run("release", "1.2.1", "--reader", "Bo").exit_code == 0
    assert [one["read_by"] for one in json.loads(run("list", "--read", "--json").output)] == ["Ada"]
    assert "read  Ada  by hand" in run("history", "1.2.2").output


def test_a_requested_priority_moves_a_study_to_the_front_and_is_said(run) -> None:
    assert run("priority", "1.2.1", "STAT").exit_code == 0
    output = run("list", "--why").output
    assert output.index("P1") < output.index("P2")
    assert "+100.0 requested as STAT" in output


def test_names_are_withheld_where_that_is_asked_for(run) -> None:
    assert "Kanarienvogel" in run("list").output
    for words in (("list",), ("list", "--why"), ("list", "--json"), ("next",), ("claim", "1.2.2", "--json")):
        output = run(*words, "--withhold-names").output
        assert "4B" in output
        assert "Kanarienvogel" not in output
        assert "P2" not in output


def test_the_rule_that_is_printed_is_a_rule(run, tmp_path: Path) -> None:
    printed = run("rule").stdout
    path = tmp_path / "rule.yaml"
    path.write_text(printed)
    assert load_rule(path) == Rule()
    path.write_text(yaml.safe_dump({"lung_rads": {"2": 500}}))
    listed = json.loads(run("list", "--json", "--rule", str(path)).output)
    assert [one["patient_id"] for one in listed] == ["P1", "P2"]


def test_a_folder_that_is_taken_off_is_looked_at_no_more(run, tmp_path: Path) -> None:
    assert run("remove", str(tmp_path / "out")).exit_code == 0
    assert json.loads(run("list", "--json").output) == []

"""A reading study: three curves of each reader, by the evaluation that models have."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from reading_case import read_scan, report_with
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.evaluation.results import load_results
from napari_lesion.reading_study import study
from napari_lesion.reading_study.journal import Journal, path_of
from napari_lesion.reading_study.words import VARIABLE, known_words
from napari_lesion.support.errors import ReadingError

NODULE, SECOND, NOTHING = (10.0, 20.0, 30.0), (-40.0, 0.0, 60.0), (80.0, 80.0, 0.0)
SCANS = ("1.1", "1.2", "1.3")


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    path = tmp_path / "truth.csv"
    rows = [f"{uid},{x},{y},{z},10" for uid in SCANS[:2] for x, y, z in (NODULE, SECOND)]
    path.write_text("\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *rows, ""]), encoding="utf-8")
    return path


def read_all(folder: Path, reader: str, *, accepts: int | None = 4) -> None:
    """Each scan has two nodules, but the last none; the reader sees the first one, the detector the second."""
    for uid in SCANS[:2]:
        report = report_with((SECOND, 0.8), (NODULE, 0.3), (NOTHING, 0.6), series_uid=uid)
        read_scan(folder, reader, report, marks=((NODULE, 5),), decisions=(accepts, None))
    read_scan(folder, reader, report_with(series_uid=SCANS[2]), marks=((NOTHING, 1),))


def test_the_three_results_of_a_reading_are_what_each_found(tmp_path: Path) -> None:
    read_all(tmp_path / "readings", "A")
    found = study.load_readings(tmp_path / "readings")
    study.save_results(found.finished, tmp_path / "out")
    points = {arm: load_results(tmp_path / "out" / arm).points for arm in study.ARMS}
    assert all(set(one) == set(SCANS) for one in points.values()), "a scan in which nothing was found counts, too"
    first = {arm: [(p.center_mm, p.score) for p in one[SCANS[0]]] for arm, one in points.items()}
    assert first[study.ALONE] == [(NODULE, 1.0)]
    assert first[study.DETECTOR] == [(SECOND, 0.8), (NOTHING, 0.6), (NODULE, 0.3)], "all candidates: a whole curve"
    assert first[study.TOGETHER] == [(NODULE, 1.0), (SECOND, 0.8)]
    (tmp_path / "readings" / "A" / f"{SCANS[2]}.jsonl").unlink()
    study.save_results(study.load_readings(tmp_path / "readings").finished, tmp_path / "out")
    assert set(load_results(tmp_path / "out" / study.ALONE).points) == set(SCANS[:2]), "nothing old is left"


def test_the_command_makes_three_curves_for_each_reader_and_compares_them(tmp_path: Path, truth: Path) -> None:
    readings, out = tmp_path / "readings", tmp_path / "out"
    read_all(readings, "A")
    read_all(readings, "B", accepts=None)
    read_scan(readings, "C", report_with(series_uid=SCANS[0]), seen_before=True)
    Journal.start(path_of(readings, "D", SCANS[0]), "D", SCANS[0], seen_before=False)
    command = ["reading-study", str(readings), "--truth", str(truth), "-o", str(out), "--bootstraps", "50"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output + str(done.exception)
    with (out / "study.csv").open(encoding="utf-8") as file:
        rows = {(row["reader"], row["findings of"]): row for row in csv.DictReader(file)}
    assert {key: row["found"] for key, row in rows.items()} == {
        ("A", "reader alone"): "2",
        ("A", "detector"): "4",
        ("A", "reader with detector"): "4",
        ("B", "reader alone"): "2",
        ("B", "detector"): "4",
        ("B", "reader with detector"): "2",
    }
    assert rows["A", "reader alone"]["CPM"] == "0.500"
    assert rows["A", "reader with detector"]["CPM"] == "1.000"
    with (out / "gain.csv").open(encoding="utf-8") as file:
        gain = {row["reader"]: row["difference"] for row in csv.DictReader(file) if row["measure"] == "CPM"}
    assert gain == {"A": "+0.500", "B": "+0.000", "mean of readers": "+0.250"}
    with (out / "cases.csv").open(encoding="utf-8") as file:
        case = next(row for row in csv.DictReader(file) if row["reader"] == "A" and row["seriesuid"] == SCANS[0])
    assert (case["blind_s"], case["assisted_s"]) == ("60.0", "20.0")
    assert (case["findings_shown"], case["taken_over"], case["rejected"]) == ("2", "1", "1")
    assert (out / "A" / "froc.png").stat().st_size > 10_000
    page = (out / "reading-study.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    for said in ("C/1.1.jsonl, not blind", "D/1.1.jsonl, not finished", "A 60 s and 20 s"):
        assert said in page
        assert said in done.output

    compare = ["--compare", str(out / "A" / study.ALONE), str(out / "A" / study.TOGETHER)]
    again = CliRunner().invoke(
        app, ["evaluate", "--truth", str(truth), *compare, "-o", str(tmp_path / "again"), "--bootstraps", "50"]
    )
    assert again.exit_code == 0, again.output
    differences = json.loads((tmp_path / "again" / "comparison.json").read_text(encoding="utf-8"))["differences"]
    assert differences[0]["difference"] == pytest.approx(0.5)


@pytest.mark.parametrize(("code", "said"), [("de", "Befunder mit Detektor"), ("zh", "阅片者结合检测器")])
def test_the_page_and_what_is_printed_are_in_the_language_that_is_chosen(
    tmp_path: Path, truth: Path, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings, out = tmp_path / "readings", tmp_path / "out"
    read_all(readings, "A")
    read_all(readings, "B", accepts=None)
    Journal.start(path_of(readings, "D", SCANS[0]), "D", SCANS[0], seen_before=False)
    monkeypatch.setenv(VARIABLE, code)
    command = ["reading-study", str(readings), "--truth", str(truth), "-o", str(out), "--bootstraps", "20"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output + str(done.exception)
    page = (out / "reading-study.html").read_text(encoding="utf-8")
    text = re.sub(r"<(style|svg|script).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    for one in (text, done.output):
        assert said in one
        assert not re.search(r"\b(reader|readings|scans|nodules|found|detector|with|the|to)\b", one)
    assert f'<html lang="{code}">' in page
    with (out / "study.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file))[:3] == ["reader", "findings of", "scans"], "for machines, in one language"


def test_all_that_the_page_says_is_translated() -> None:
    german, chinese = known_words("de"), known_words("zh")
    assert german.keys() == chinese.keys()
    for text, said in (*german.items(), *chinese.items()):
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", said)), text


def test_readers_of_other_scans_have_no_mean(tmp_path: Path, truth: Path) -> None:
    readings = tmp_path / "readings"
    read_all(readings, "A")
    read_all(readings, "B")
    (readings / "B" / f"{SCANS[2]}.jsonl").unlink()
    command = ["reading-study", str(readings), "--truth", str(truth), "-o", str(tmp_path / "out"), "--bootstraps", "0"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output + str(done.exception)
    assert "no mean over readers" in done.output
    assert "mean of readers" not in (tmp_path / "out" / "gain.csv").read_text(encoding="utf-8")


def test_without_a_finished_reading_there_is_nothing_to_evaluate(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="no finished blind reading"):
        study.load_readings(tmp_path)
    Journal.start(path_of(tmp_path, "D", "1.1"), "D", "1.1", seen_before=False)
    with pytest.raises(ReadingError, match=r"1\.1\.jsonl: not finished"):
        study.load_readings(tmp_path)


def test_a_damaged_reading_is_left_out_by_name_and_the_others_count(tmp_path: Path) -> None:
    for uid in ("1.2.3", "1.2.4"):
        read_scan(tmp_path, "A", report_with(series_uid=uid))
    path = path_of(tmp_path, "A", "1.2.4")
    path.write_bytes(path.read_bytes().replace(b'"reveal"', b'"reveil"', 1))
    found = study.load_readings(tmp_path)
    assert [reading.series_uid for reading in found.finished] == ["1.2.3"]
    [(left_out, reason)] = found.left_out
    assert left_out == path
    assert "line 2 is no event of a reading" in reason

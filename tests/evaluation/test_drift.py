"""Drift is seen, soon and as what it is; and where nothing changes, alarms are as rare as was asked for."""

from __future__ import annotations

import json
from contextlib import closing

import numpy as np
import pytest
from fake_scan import make_volume
from reading_case import report_with
from scipy import stats
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.evaluation import drift
from napari_lesion.evaluation.drift import ChartSettings, Study, moving_average, ranks, watch
from napari_lesion.evaluation.drift_inputs import (
    Searched,
    by_study,
    load_reference,
    load_searched,
    reference_of,
    save_reference,
    values_of_scan,
)
from napari_lesion.report.json import save_report
from napari_lesion.report.ledger import Ledger, LedgerEntry
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.errors import InputFileError, OptionError


def stream(values) -> list[Study]:
    return [Study(f"2026{n // 28 % 12 + 1:02d}{n % 28 + 1:02d}", {"x": value}) for n, value in enumerate(values)]


def test_ranks_are_uniform_also_among_ties_and_unknown_values():
    drawn = np.random.default_rng(11).choice(np.array([1.0, 2.5, np.nan]), 1200).tolist()
    values = [None if np.isnan(one) else one for one in drawn]
    places = [ranks(values[n : n + 30], values[n + 30 : n + 31], seed=n)[0] for n in range(0, 1200, 40)]
    assert stats.kstest(places, "uniform").pvalue > 0.001
    assert (ranks([1.0, 2.0], [None, 3.0]) < [1 / 3, 1]).all()
    assert ranks([1.0, 2.0], [3.0])[0] > 2 / 3
    assert (ranks(["a"] * 50, ["a"] * 500, 1) < 0.5).mean() == pytest.approx(0.5, abs=0.1)
    halves = ranks(["a", "b"] * 30, ["a", "b"] * 300, 1)
    assert stats.kstest(halves, "uniform").pvalue > 0.001
    assert ranks(["a"] * 30 + ["b"] * 10, ["c"])[0] > 40 / 41
    assert ranks(["a"] * 30 + ["b"] * 10, ["b"])[0] > 30 / 41


def test_the_moving_average_is_in_its_own_standard_deviations():
    lines = moving_average(np.random.default_rng(12).standard_normal((4000, 60)), 0.2)
    np.testing.assert_allclose(lines.std(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(moving_average(np.array([1.0, 0.0]), 0.5), [1.0, 0.25 / np.sqrt(0.25 + 0.0625)])


def test_alarms_are_as_rare_as_asked_for_whatever_the_values_are(monkeypatch):
    monkeypatch.setattr(drift, "_RUNS", 1500)
    drift._furthest.cache_clear()
    settings = ChartSettings(horizon=60, false_alarms=0.2)
    told = 0
    for n in range(60):
        rng = np.random.default_rng([n, 4])
        values = np.round(rng.lognormal(1, 1, 100), 1).tolist()
        told += bool(watch({"x": values[:40]}, stream(values[40:]), settings).drifted)
    assert stats.binomtest(told, 60, 0.2).pvalue > 0.001
    assert watch({"x": values[:40]}, stream(values[40:]), settings).false_alarm_rate == pytest.approx(0.2, abs=0.05)
    drift._furthest.cache_clear()


@pytest.mark.parametrize(
    ("of", "later"),
    [
        ("place", lambda rng: rng.normal(1.5, 1)),
        ("spread", lambda rng: rng.normal(0, 4)),
        ("place", lambda _: None),
    ],
)
def test_what_changes_is_seen_soon_and_its_beginning_is_named(of, later):
    rng = np.random.default_rng(5)
    values = [float(rng.normal()) for _ in range(160)] + [later(rng) for _ in range(60)]
    (value,) = watch({"x": values[:100]}, stream(values[100:])).drifted
    chart = value.alarm
    assert chart.of == of or later(rng) is None
    assert 60 < chart.alarm < 100
    assert 40 < chart.begun <= chart.alarm
    assert of == "spread" or chart.is_out


def test_a_word_that_was_never_there_is_seen():
    values = ["B30f", "B70f"] * 60 + ["B50f"] * 40
    (value,) = watch({"x": values[:100]}, stream(values[100:])).drifted
    assert 20 <= value.alarm.alarm < 35
    assert value.alarm.of == "rarity"
    assert value.recent == "B50f 100 %"
    assert value.reference == "B30f 50 %, B70f 50 %"


def test_too_short_a_reference_is_refused():
    with pytest.raises(OptionError, match="29 studies in the reference"):
        watch({"x": [1.0] * 29}, stream([1.0]))
    with pytest.raises(OptionError, match="0 after it"):
        watch({"x": [1.0] * 50}, [])
    with pytest.raises(OptionError, match="horizon"):
        ChartSettings(weight=0)


def test_one_series_of_a_study_counts_in_the_order_of_time():
    def one(study, uid, date, step, model="m"):
        return Searched(study, uid, date, "", model, step, {"x": step})

    found = [one("s2", "b", "20260102", 5.0), one("s1", "c", "20260103", 1.0), one("s2", "a", "20260102", 1.25)]
    found += [one("s3", "d", "20260101", 9.0, ""), one("s1", "e", "20260103", 0.5, "")]
    assert [one.series_uid for one in by_study(found)] == ["d", "a", "c"]


def test_a_reference_comes_back_and_tells_of_nobody(tmp_path):
    found = [Searched(f"s{n}", f"1.{n}", "20260101", "", "m", 1.0, {"age": 50.0 - n, "kernel": None}) for n in range(3)]
    save_reference(reference_of(found, "three"), tmp_path / "r.json")
    back = load_reference(tmp_path / "r.json")
    assert back == reference_of(found, "three")
    assert back.values["age"] == (48.0, 49.0, 50.0), "sorted: nothing says which belong together"
    assert "1.0" not in json.dumps(json.loads((tmp_path / "r.json").read_text())["of"])
    for wrong in ("[]", '{"of": "", "model": "", "values": {"x": [[1]]}}', "no"):
        (tmp_path / "r.json").write_text(wrong)
        with pytest.raises(InputFileError, match="no reference that"):
            load_reference(tmp_path / "r.json")


def test_a_scan_is_measured():
    volume = make_volume()
    values = values_of_scan(volume)
    assert values["lung HU"] == pytest.approx(-850, abs=5)
    assert values["air HU"] == pytest.approx(-1000, abs=5)
    shape = 4 / 3 * 3.14  # the lungs are cylinders over all slices
    assert values["lungs, ml"] == pytest.approx((38 * 50 + 32 * 42) * shape * 0.75 * 100 / 1000, rel=0.1)


def write_results(folder, number, findings=2, threshold=0.5, **identity):
    report = report_with(*[((float(n), 0.0, -290.0), 0.9) for n in range(findings)], threshold=threshold)
    series = report.series.model_copy(
        update={"series_uid": f"1.2.{number}", "study_uid": f"1.3.{number}", "study_date": f"2026{number:04d}"}
        | identity
    )
    save_report(
        report.model_copy(update={"series_uid": f"1.2.{number}", "series": series}),
        folder / f"1.2.{number}" / "findings.json",
    )


@pytest.fixture
def few_runs(monkeypatch):
    monkeypatch.setattr(drift, "_RUNS", 400)
    drift._furthest.cache_clear()
    yield
    drift._furthest.cache_clear()


def run(*words):
    return CliRunner().invoke(app, ["drift", *map(str, words)], catch_exceptions=False)


def test_the_command_warns_of_other_scans_and_more_findings(few_runs, tmp_path):
    for n in range(40):
        write_results(tmp_path / "a", n, findings=n % 3, kernel="B30f" if n % 2 else "B50f")
    for n in range(40, 80):
        write_results(tmp_path / "a", n, findings=5 + n % 3, kernel="B70f")
    words = (tmp_path / "a", "-o", tmp_path / "out", "--horizon", 50)
    done = run(*words, "--first", 40)
    assert done.exit_code == 1, done.output
    assert "kernel has other words" in done.output.replace("\n", " ")
    content = json.loads((tmp_path / "out" / "drift.json").read_text())
    drifted = {one["name"] for one in content["values"] for chart in one["charts"] if chart["alarm_at_study"]}
    assert {"kernel", "findings"} <= drifted <= {"kernel", "findings", "highest score"}
    assert "<svg" in (tmp_path / "out" / "drift.html").read_text(encoding="utf-8")
    for n in range(40, 80):
        write_results(tmp_path / "b", n, findings=n % 3, kernel="B30f" if n % 2 else "B50f")
    quiet = run(
        tmp_path / "b", "-o", tmp_path / "out2", "--reference", tmp_path / "out" / "reference.json", "--horizon", 50
    )
    assert quiet.exit_code == 0, quiet.output
    assert "Nothing has drifted" in quiet.output


def test_what_could_not_be_searched_comes_from_the_ledger(tmp_path):
    write_results(tmp_path, 101)
    with closing(Ledger(tmp_path)) as ledger:
        for n, status, modality in ((1, "failed", "CT"), (2, "failed", "MR"), (3, "skipped", "CT")):
            outcome = SeriesOutcome(f"1.9.{n}", status, modality=modality, study_date="20260102")
            ledger.settle(LedgerEntry(f"k{n}", f"1.8.{n}", f"1.9.{n}", status, ended=1.7e9, outcome=outcome))
    found, problems = load_searched([tmp_path])
    assert problems == []
    assert [(one.series_uid, one.date, one.values["searched"]) for one in by_study(found)] == [
        ("1.9.1", "20260102", "no"),
        ("1.2.101", "20260101", "yes"),
    ][::-1]
    assert next(one.created for one in found if not one.model) == "2023-11-14T22:13:20+00:00"


def test_another_threshold_is_no_drift(few_runs, tmp_path):
    for n in range(30):
        write_results(tmp_path / "a", n, findings=0, threshold=0.5)
        write_results(tmp_path / "b", n, findings=6, threshold=0.1)
    done = run(tmp_path / "b", "-o", tmp_path / "out", "--reference", tmp_path / "a", "--horizon", 50)
    assert done.exit_code == 0, done.output
    assert "Findings and scores are not followed" in done.output


def test_a_model_without_a_reference_says_so(few_runs, tmp_path):
    write_results(tmp_path / "a", 1)
    with pytest.raises(OptionError, match=r"has no reference\.json"):
        run(tmp_path / "a", "-o", tmp_path / "out", "--model", "nodule-3d")

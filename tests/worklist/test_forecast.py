"""Reading load: what is forecast from made-up arrivals whose rates are known, and readers that a queue needs."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner
from worklist_case import MONDAY, expected_at, made_up

from napari_lesion.cli.main import app
from napari_lesion.support.errors import ConfigError, InputFileError, WorklistError
from napari_lesion.worklist import forecast as module
from napari_lesion.worklist.forecast import counted, forecast, quality, read_arrivals, read_holidays
from napari_lesion.worklist.readers import Duty, erlang_wait_h, play, readers_needed


def saved(path: Path, weeks: int, origin: str = "") -> Path:
    rows = [f"{time.isoformat()},{origin}" for time in made_up(weeks)]
    path.write_text("\n".join(["arrived,origin", *rows]) + "\n")
    return path


def test_whole_days_are_counted_by_the_hour(tmp_path: Path) -> None:
    path = tmp_path / "ris.csv"
    path.write_text(
        "when;what\n2026-01-04T23:10;CT\n2026-01-05T08:59:59;CT\n2026-01-05 08:00+01:00;CT\n2026-01-07T00:30;CT\n"
    )
    arrivals = read_arrivals(path, "when")
    assert arrivals.start == MONDAY
    assert arrivals.counts.tolist() == [2.0 if hour == 8 else 0.0 for hour in range(48)]
    assert not arrivals.simulated
    path.write_text("when\n2026-01-05T08:00\nyesterday\n")
    with pytest.raises(InputFileError, match="line 3: 'yesterday' is no date"):
        read_arrivals(path, "when")


def test_the_known_rates_are_found(tmp_path: Path) -> None:
    said = forecast(counted(made_up(40)))
    true = np.array([expected_at(time) for time in said.times])
    assert said.times[0] == MONDAY + timedelta(weeks=40)
    assert np.abs(said.mean - true).mean() < 0.25
    assert said.mean[10] == pytest.approx(9.0, abs=0.8), "Monday"
    assert said.mean[24 + 10] == pytest.approx(7.0, abs=0.8), "Tuesday"
    assert said.mean[6 * 24 + 10] == pytest.approx(1.4, abs=0.4), "Sunday"
    assert said.dispersion == pytest.approx(1.0, abs=0.1)
    short = counted(made_up(5))
    assert forecast(short).mean.tolist() == forecast(short).mean.tolist()


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_it_is_better_than_the_week_before_and_its_intervals_hold_what_they_say(dispersion: float) -> None:
    measured = quality(counted(made_up(16, dispersion=dispersion)), 6)
    assert measured.mae < 0.85 * measured.naive_mae
    assert measured.mase < 0.85
    assert measured.naive_mase == pytest.approx(1.0, abs=0.15)
    # Counts are whole, so that intervals hold somewhat more.
    assert 0.78 <= measured.covered_80 <= 0.95
    assert 0.93 <= measured.covered_95 <= 1.0
    spread = forecast(counted(made_up(16, dispersion=dispersion))).dispersion
    assert spread == pytest.approx(dispersion, rel=0.2)


def test_a_holiday_is_a_free_day(tmp_path: Path) -> None:
    known = [date(2026, 2, 4), date(2026, 3, 12), date(2026, 4, 27)]
    (tmp_path / "days.txt").write_text("# ours\n2026-02-04 a\n2026-03-12\n\n2026-04-27 that is to come\n")
    holidays = read_holidays(tmp_path / "days.txt")
    assert holidays == frozenset(known)
    said = forecast(counted(made_up(16, holidays=holidays), holidays))
    assert said.times[0].date() == known[2]
    assert sum(said.mean[:24]) < 0.4 * sum(said.mean[24:48])
    (tmp_path / "days.txt").write_text("Christmas 2026-12-25\n")
    with pytest.raises(InputFileError, match="line 1"):
        read_holidays(tmp_path / "days.txt")


def test_too_little_to_learn_from_is_said_and_so_is_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorklistError, match=r"3\.0 weeks"):
        forecast(counted(made_up(3)))
    with pytest.raises(WorklistError, match="weeks"):
        quality(counted(made_up(6)), 4)
    with pytest.raises(WorklistError, match="less than two days"):
        counted([MONDAY])

    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", gone)
    with pytest.raises(ConfigError, match=r"napari-lesion\[worklist\]"):
        forecast(counted(made_up(5)))


def test_a_queue_waits_as_erlang_says() -> None:
    random = np.random.default_rng(3)
    arrived = np.cumsum(random.exponential(1 / 10, 60_000))
    begins = play(arrived, random.exponential(0.25, len(arrived)), 3)
    assert erlang_wait_h(10, 0.25, 3) == pytest.approx(0.3511, abs=1e-3)
    assert (begins - arrived).mean() == pytest.approx(erlang_wait_h(10, 0.25, 3), rel=0.12)
    assert erlang_wait_h(10, 0.25, 2) == math.inf


def test_who_comes_first_is_read_first_unless_keys_say_otherwise_and_nobody_reads_off_duty() -> None:
    arrived, takes = np.array([0.0, 1.0, 2.0, 30.0]), np.full(4, 3.0)
    assert play(arrived, takes, 1).tolist() == [0, 3, 6, 30]
    assert play(arrived, takes, 1, keys=[0, 9, 1, 0]).tolist() == [0, 6, 3, 30]
    assert play(arrived, takes, 2).tolist() == [0, 1, 3, 30]
    assert play(arrived, takes, 1, Duty(8, 16)).tolist() == [8, 11, 14, 32]
    assert play(arrived, takes, 1, Duty(8, 16, frozenset({1}))).tolist() == [8, 11, 14, 56]


def test_readers_are_as_many_as_are_needed_and_none_where_studies_wait_for_the_morning() -> None:
    said = forecast(counted(made_up(8)))
    enough = readers_needed(said, minutes=15, turnaround_h=2)
    assert enough.needed == len(enough.shares)
    assert enough.shares[-1] >= 0.9 > enough.shares[-2]
    assert readers_needed(said, minutes=30, turnaround_h=2).needed > enough.needed
    office = readers_needed(said, minutes=15, turnaround_h=1, share=0.99, first=8, last=17)
    assert office.needed is None
    assert 0.5 < max(office.shares) < 0.99


def test_the_command_says_that_made_up_arrivals_are_made_up(tmp_path: Path) -> None:
    path, picture = saved(tmp_path / "made_up.csv", 8, "simulated"), tmp_path / "load.png"
    told = CliRunner().invoke(app, ["worklist", "forecast", str(path), "--held-out", "2", "--plot", str(picture)])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("SIMULATED arrivals")
    assert "MASE" in told.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    real = saved(tmp_path / "ris.csv", 8)
    told = CliRunner().invoke(app, ["worklist", "forecast", str(real), "--held-out", "2", "--json"])
    content = json.loads(told.output)
    assert content["simulated"] is False
    assert len(content["hours"]) == 168
    assert content["quality"]["mase"] < 1
    assert content["readers_needed"] == len(content["read_in_time_by_readers"])

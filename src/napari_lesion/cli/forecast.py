"""``napari-lesion worklist forecast``: how many studies come in the next week, and how many readers they need."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_line
from napari_lesion.cli.worklist import AsJson, ListFile, opened, refresh

if TYPE_CHECKING:
    from napari_lesion.worklist.forecast import Arrivals, Forecast, Quality
    from napari_lesion.worklist.readers import Staffing


ArrivalsFile = Annotated[
    Path | None,
    typer.Argument(metavar="CSV", exists=True, dir_okay=False, help="A row a study (default: what is on the list)."),
]
Column = Annotated[str, typer.Option(help="With date and time of the arrival, ISO 8601.")]
Holidays = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A date a line: 2026-12-25.")]
HeldOut = Annotated[int, typer.Option("--held-out", min=1, max=52, help="Weeks to measure forecasts on.")]
Minutes = Annotated[float, typer.Option(min=0.1, help="That a reading takes, on average.")]
Turnaround = Annotated[float, typer.Option(min=0.01, help="Hours from arrival to the end of the reading.")]
Share = Annotated[float, typer.Option(min=0.01, max=0.999, help="Of studies that shall be read in time.")]
FromHour = Annotated[float, typer.Option("--from-hour", min=0, max=24, help="Readings are begun from then on.")]
ToHour = Annotated[float, typer.Option("--to-hour", min=0, max=24, help="And until then.")]
Weekends = Annotated[bool, typer.Option("--weekends/--no-weekends", help="Whether free days are read on.")]
Plot = Annotated[Path | None, typer.Option(dir_okay=False, help="A picture of it, PNG or SVG.")]


def forecast(
    arrivals: ArrivalsFile = None,
    column: Column = "arrived",
    holidays: Holidays = None,
    held_out: HeldOut = 4,
    minutes: Minutes = 10.0,
    turnaround: Turnaround = 4.0,
    share: Share = 0.9,
    first: FromHour = 0.0,
    last: ToHour = 24.0,
    weekends: Weekends = True,
    plot: Plot = None,
    file: ListFile = None,
    as_json: AsJson = False,
) -> None:
    """Forecast how many studies come in the next week, hour by hour, and how many readers they need (extra `worklist`).

    How good such forecasts are is measured on the last weeks, each forecast from all before it.
    """
    from napari_lesion.support.errors import OptionError
    from napari_lesion.worklist import forecast as forecasts
    from napari_lesion.worklist.readers import erlang_wait_h, readers_needed

    if first >= last:
        raise OptionError("--from-hour must be before --to-hour.")
    off = forecasts.read_holidays(holidays) if holidays is not None else frozenset()
    if arrivals is not None:
        known = forecasts.read_arrivals(arrivals, column, off)
    else:
        with opened(file, None) as worklist:
            refresh(worklist)
            known = forecasts.counted([datetime.fromtimestamp(at) for at in worklist.arrivals()], off)
    measured = forecasts.quality(known, held_out)
    expected = forecasts.forecast(known)
    staffing = readers_needed(
        expected,
        minutes=minutes,
        turnaround_h=turnaround,
        share=share,
        first=first,
        last=last,
        is_free=lambda day: not weekends and (day.weekday() >= 5 or day.date() in off),
    )
    if plot is not None:
        from napari_lesion.worklist.plots import forecast_figure, save_plot

        save_plot(forecast_figure(known, expected, staffing, share), plot)
    if as_json:
        print_line(json.dumps(_as_json(known, measured, expected, staffing), indent=2))
        return
    _print_forecast(known, measured, expected)
    if staffing.needed is None:
        print_line(
            f"No number of readers reads {share:.0%} within {turnaround:g} h: at most {max(staffing.shares):.0%}, "
            "since studies wait for the next hours on duty."
        )
        return
    read = f"{staffing.shares[-1]:.0%} within {turnaround:g} h ({share:.0%} wanted)"
    print_line(f"{staffing.needed} readers read {read}.")
    busiest = max(expected.mean)
    wait = erlang_wait_h(busiest, minutes / 60, staffing.needed)
    waited = f"{60 * wait:.0f} minutes for a reader on average" if wait < 1000 else "longer and longer"
    print_line(f"Were each hour as the busiest ({busiest:.1f} studies), studies would wait {waited} (Erlang C).")


def _print_forecast(known: Arrivals, measured: Quality, expected: Forecast) -> None:
    if known.simulated:
        print_line("SIMULATED arrivals: a program made them up, and nothing here says anything of a site.")
    total = sum(expected.mean)
    print_line(f"{known.weeks:.1f} weeks of arrivals; {total:.0f} studies to expect in the next week.")
    for day in range(0, len(expected.mean), 24):
        print_line(f"  {expected.times[day]:%a %Y-%m-%d}  {sum(expected.mean[day : day + 24]):6.1f}")
    print_line(
        f"Error an hour on the last {measured.weeks} weeks: MAE {measured.mae:.2f}, as in the week before "
        f"{measured.naive_mae:.2f}; MASE {measured.mase:.2f}, as in the week before {measured.naive_mase:.2f}."
    )
    print_line(f"In the interval of 80 %: {measured.covered_80:.0%} of the hours; of 95 %: {measured.covered_95:.0%}.")


def _as_json(known: Arrivals, measured: Quality, expected: Forecast, staffing: Staffing) -> dict[str, object]:
    return {
        "simulated": known.simulated,
        "weeks": round(known.weeks, 2),
        "quality": asdict(measured),
        "dispersion": expected.dispersion,
        "readers_needed": staffing.needed,
        "read_in_time_by_readers": staffing.shares,
        "hours": _hours(expected),
    }


def _hours(expected: Forecast) -> list[dict[str, object]]:
    low, high = expected.narrow
    lowest, highest = expected.wide
    return [
        {
            "time": time.isoformat(),
            "mean": round(float(expected.mean[n]), 4),
            "interval_80": [float(low[n]), float(high[n])],
            "interval_95": [float(lowest[n]), float(highest[n])],
        }
        for n, time in enumerate(expected.times)
    ]

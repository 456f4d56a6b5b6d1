"""``napari-lesion worklist``: studies that wait for a reader, ranked, each with one reader."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_table

if TYPE_CHECKING:
    from napari_lesion.worklist.forecast import Forecast
    from napari_lesion.worklist.store import Worklist
    from napari_lesion.worklist.studies import Study

app = typer.Typer(
    help="Studies that wait to be read, the most urgent first, each with one reader.", no_args_is_help=True
)


class Requested(StrEnum):
    """With what priority a study is requested."""

    STAT = "STAT"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    ROUTINE = "ROUTINE"
    LOW = "LOW"


ListFile = Annotated[
    Path | None, typer.Option("--file", dir_okay=False, help="The worklist (default: the user's; made if needed).")
]
RuleFile = Annotated[
    Path | None, typer.Option("--rule", exists=True, dir_okay=False, help="The rule of the ranking (YAML).")
]
StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="Id on the list, or StudyInstanceUID.")]
Reader = Annotated[str, typer.Option("--reader", help="Who reads (default: the login).")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
NoNames = Annotated[bool, typer.Option("--withhold-names", help="Show nothing that names a patient.")]


@app.command()
def add(
    places: Annotated[
        list[Path], typer.Argument(exists=True, file_okay=False, help="Results of `analyse`, or a listener's folder.")
    ],
    file: ListFile = None,
) -> None:
    """Look for studies in these folders from now on, each time that the list is asked for."""
    with _opened(file, None) as worklist:
        for place in places:
            worklist.add(place)
        _refresh(worklist)
        print_line(f"{len(worklist.waiting())} studies wait.")


@app.command()
def remove(
    places: Annotated[list[Path], typer.Argument(help="Folders that were added.")], file: ListFile = None
) -> None:
    """Look no more in these folders; what came only from there is off the list."""
    with _opened(file, None) as worklist:
        for place in places:
            if not worklist.remove(place):
                print_error(f"warning: {place} was not looked at.")


@app.command("list")
def list_(
    file: ListFile = None,
    rule: RuleFile = None,
    why: Annotated[bool, typer.Option("--why", help="Say for each study why it is where it is.")] = False,
    read: Annotated[bool, typer.Option("--read", help="List those that were read instead.")] = False,
    withhold_names: NoNames = False,
    as_json: AsJson = False,
) -> None:
    """List the studies that wait, the next first."""
    with _opened(file, rule) as worklist:
        _refresh(worklist)
        studies = worklist.read() if read else worklist.waiting()
        if as_json:
            print_line(json.dumps([_as_json(one, withhold_names) for one in studies], indent=2))
            return
        if why:
            for place, one in enumerate(studies, 1):
                print_line(f"{place}. {' · '.join(filter(None, _row(one, withhold_names)))}")
                for term in one.terms:
                    print_line(f"     {term}")
                if one.found.reason:
                    print_line(f"     ({one.found.reason})")
            return
        show_table(
            ("points", "id", "patient", "study", "Lung-RADS", "largest", "priority", "came", "state"),
            [_row(one, withhold_names) for one in studies],
        )


@app.command("next")
def next_(
    file: ListFile = None,
    rule: RuleFile = None,
    reader: Reader = "",
    withhold_names: NoNames = False,
    as_json: AsJson = False,
) -> None:
    """Open the study that comes first of those that nobody has open, and say where its images are.

    Exit status: 0 there is one, 1 nothing waits.
    """
    with _opened(file, rule) as worklist:
        _refresh(worklist)
        one = worklist.next(_reader(reader))
        if one is None:
            print_error("Nothing waits that nobody has open.")
            raise typer.Exit(1)
        _print_study(one, withhold_names, as_json)


@app.command()
def claim(
    study: StudyName,
    file: ListFile = None,
    rule: RuleFile = None,
    reader: Reader = "",
    withhold_names: NoNames = False,
    as_json: AsJson = False,
) -> None:
    """Open a study: nobody else gets it until it is released or read, or the time of the rule is over.

    Exit status: 0 it is yours, 1 somebody else has it, 2 there is none.
    """
    with _opened(file, rule) as worklist:
        _print_study(worklist.claim(study, _reader(reader)), withhold_names, as_json)


@app.command()
def release(study: StudyName, file: ListFile = None, reader: Reader = "") -> None:
    """Put a study back that you have open, unread."""
    with _opened(file, None) as worklist:
        if not worklist.release(worklist.study(study).id, _reader(reader)):
            print_error(f"{_reader(reader)} does not have it open.")
            raise typer.Exit(1)


@app.command()
def done(study: StudyName, file: ListFile = None, reader: Reader = "") -> None:
    """Mark a study as read. What is found in it later brings it back."""
    with _opened(file, None) as worklist:
        worklist.done(study, _reader(reader), "by hand")


@app.command()
def priority(study: StudyName, requested: Requested, file: ListFile = None, reader: Reader = "") -> None:
    """Note with what priority a study is requested."""
    with _opened(file, None) as worklist:
        worklist.set_priority(worklist.study(study).id, requested.value, _reader(reader))


@app.command()
def history(study: StudyName, file: ListFile = None) -> None:
    """Say what happened to a study on the list, and who did it."""
    with _opened(file, None) as worklist:
        for event in worklist.history(worklist.study(study).id):
            print_line("  ".join(filter(None, (_time(event.at), event.what, event.who, event.detail))))


@app.command()
def rule(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="Of the rule; the default's.")
    ] = None,
) -> None:
    """Print the rule of the ranking as YAML, to be changed and given as --rule."""
    import yaml

    from napari_lesion.cli.console import print_lines
    from napari_lesion.worklist.rule import load_rule

    known = load_rule(file)
    print_lines(yaml.safe_dump(known.model_dump(mode="json"), sort_keys=False).rstrip())
    print_error(f"An hour of waiting is {known.per_hour:.2f} points; all the rest is at most {known.most:g}.")


@app.command()
def forecast(
    arrivals: Annotated[
        Path | None,
        typer.Argument(
            metavar="CSV", exists=True, dir_okay=False, help="A row a study (default: what is on the list)."
        ),
    ] = None,
    column: Annotated[str, typer.Option(help="With date and time of the arrival, ISO 8601.")] = "arrived",
    holidays: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A date a line: 2026-12-25.")
    ] = None,
    held_out: Annotated[int, typer.Option("--held-out", min=1, max=52, help="Weeks to measure forecasts on.")] = 4,
    minutes: Annotated[float, typer.Option(min=0.1, help="That a reading takes, on average.")] = 10.0,
    turnaround: Annotated[float, typer.Option(min=0.01, help="Hours from arrival to the end of the reading.")] = 4.0,
    share: Annotated[float, typer.Option(min=0.01, max=0.999, help="Of studies that shall be read in time.")] = 0.9,
    first: Annotated[float, typer.Option("--from-hour", min=0, max=24, help="Readings are begun from then on.")] = 0.0,
    last: Annotated[float, typer.Option("--to-hour", min=0, max=24, help="And until then.")] = 24.0,
    weekends: Annotated[bool, typer.Option("--weekends/--no-weekends", help="Whether free days are read on.")] = True,
    plot: Annotated[Path | None, typer.Option(dir_okay=False, help="A picture of it, PNG or SVG.")] = None,
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
        with _opened(file, None) as worklist:
            _refresh(worklist)
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
        print_line(
            json.dumps(
                {
                    "simulated": known.simulated,
                    "weeks": round(known.weeks, 2),
                    "quality": asdict(measured),
                    "dispersion": expected.dispersion,
                    "readers_needed": staffing.needed,
                    "read_in_time_by_readers": staffing.shares,
                    "hours": _hours(expected),
                },
                indent=2,
            )
        )
        return
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
    if staffing.needed is None:
        print_line(
            f"No number of readers reads {share:.0%} within {turnaround:g} h: at most {max(staffing.shares):.0%}, "
            "since studies wait for the next hours on duty."
        )
    else:
        print_line(
            f"{staffing.needed} readers read {staffing.shares[-1]:.0%} within {turnaround:g} h ({share:.0%} wanted)."
        )
        busiest = max(expected.mean)
        wait = erlang_wait_h(busiest, minutes / 60, staffing.needed)
        told = f"{60 * wait:.0f} minutes for a reader on average" if wait < 1000 else "longer and longer"
        print_line(f"Were each hour as the busiest ({busiest:.1f} studies), studies would wait {told} (Erlang C).")


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


def _opened(file: Path | None, rule: Path | None) -> closing[Worklist]:
    from napari_lesion.worklist.rule import load_rule
    from napari_lesion.worklist.store import Worklist, worklist_file

    return closing(Worklist(worklist_file(file), load_rule(rule)))


def _refresh(worklist: Worklist) -> None:
    for problem in worklist.refresh():
        print_error(f"warning: {problem}")


def _reader(named: str) -> str:
    import getpass

    return named.strip() or getpass.getuser()


def _print_study(one: Study, withhold: bool, as_json: bool) -> None:
    if as_json:
        print_line(json.dumps(_as_json(one, withhold), indent=2))
        return
    print_line(" · ".join(filter(None, _row(one, withhold))))
    for term in one.terms:
        print_line(f"  {term}")
    for series in one.series:
        if series.folder is not None:
            print_line(f"  results: {series.folder}")
        if series.source is not None and not withhold:
            print_line(f"  images: {series.source}")


def _row(one: Study, withhold: bool) -> tuple[str, ...]:
    identity, found = one.identity, one.found
    who = "" if withhold else " ".join(filter(None, (identity.patient_id, identity.patient_name)))
    what = (identity.study_date, "" if withhold else identity.study_description)
    return (
        f"{one.points:.1f}",
        one.id,
        who,
        " ".join(filter(None, what)),
        found.lung_rads + ("" if found.is_screening or not found.lung_rads else "?"),
        f"{found.largest_mm:.1f} mm" if found.largest_mm else "",
        one.priority,
        _time(one.arrived),
        f"open: {one.holder}" if one.holder else f"read: {one.read_by}" if one.is_read else "",
    )


def _as_json(one: Study, withhold: bool) -> dict[str, object]:
    identity = one.identity
    naming = {
        "patient_id": identity.patient_id,
        "patient_name": identity.patient_name,
        "study_description": identity.study_description,
        "accession_number": identity.accession_number,
    }
    return {
        "id": one.id,
        "study_uid": identity.study_uid,
        "study_date": identity.study_date,
        **({} if withhold else naming),
        "points": round(one.points, 3),
        "why": [{"kind": term.kind, "points": round(term.points, 3), "says": str(term)} for term in one.terms],
        "found": one.found.model_dump(),
        "priority": one.priority,
        "arrived": _iso(one.arrived),
        "open_by": one.holder,
        "open_since": _iso(one.held_since),
        "read_by": one.read_by,
        "read_at": _iso(one.read_at),
        "is_read": one.is_read,
        "series": [
            {
                "series_uid": series.identity.series_uid,
                "results": str(series.folder) if series.folder is not None else None,
                **({} if withhold else {"images": str(series.source) if series.source is not None else None}),
            }
            for series in one.series
        ],
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")

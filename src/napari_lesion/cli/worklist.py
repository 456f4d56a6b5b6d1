"""``napari-lesion worklist``: studies that wait for a reader, ranked, each with one reader."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_table

if TYPE_CHECKING:
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
    with opened(file, None) as worklist:
        for place in places:
            worklist.add(place)
        refresh(worklist)
        print_line(f"{len(worklist.waiting())} studies wait.")


@app.command()
def remove(
    places: Annotated[list[Path], typer.Argument(help="Folders that were added.")], file: ListFile = None
) -> None:
    """Look no more in these folders; what came only from there is off the list."""
    with opened(file, None) as worklist:
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
    with opened(file, rule) as worklist:
        refresh(worklist)
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
    with opened(file, rule) as worklist:
        refresh(worklist)
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
    with opened(file, rule) as worklist:
        _print_study(worklist.claim(study, _reader(reader)), withhold_names, as_json)


@app.command()
def release(study: StudyName, file: ListFile = None, reader: Reader = "") -> None:
    """Put a study back that you have open, unread."""
    with opened(file, None) as worklist:
        if not worklist.release(worklist.study(study).id, _reader(reader)):
            print_error(f"{_reader(reader)} does not have it open.")
            raise typer.Exit(1)


@app.command()
def done(study: StudyName, file: ListFile = None, reader: Reader = "") -> None:
    """Mark a study as read. What is found in it later brings it back."""
    with opened(file, None) as worklist:
        worklist.done(study, _reader(reader), "by hand")


@app.command()
def priority(study: StudyName, requested: Requested, file: ListFile = None, reader: Reader = "") -> None:
    """Note with what priority a study is requested."""
    with opened(file, None) as worklist:
        worklist.set_priority(worklist.study(study).id, requested.value, _reader(reader))


@app.command()
def history(study: StudyName, file: ListFile = None) -> None:
    """Show what happened to a study on the list, and who did it."""
    with opened(file, None) as worklist:
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


def opened(file: Path | None, rule: Path | None) -> closing[Worklist]:
    """Open the worklist."""
    from napari_lesion.worklist.rule import load_rule
    from napari_lesion.worklist.store import Worklist, worklist_file

    return closing(Worklist(worklist_file(file), load_rule(rule)))


def refresh(worklist: Worklist) -> None:
    """Look what arrived; print a warning of each place that could not be looked at."""
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

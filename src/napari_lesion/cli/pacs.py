"""``napari-lesion pacs``: archives asked, fetched from and sent to."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress

if TYPE_CHECKING:
    from napari_lesion.pacs.records import Archive, SeriesRecord, StudyRecord
    from napari_lesion.pacs.workitems import Workitems

app = typer.Typer(help="Ask archives (PACS), fetch studies, send results back (extra `pacs`).", no_args_is_help=True)


class Over(StrEnum):
    """How an archive is reached."""

    DIMSE = "dimse"
    DICOMWEB = "dicomweb"


NodeName = Annotated[str, typer.Argument(metavar="NODE", help="Name of the archive in the file with the nodes.")]
NodesFile = Annotated[
    Path | None, typer.Option("--nodes", dir_okay=False, help="The file with the nodes (default: the user's).")
]
Way = Annotated[Over | None, typer.Option("--over", help="How to reach it (default: as the node prefers).")]


@app.command()
def echo(node: NodeName, nodes: NodesFile = None, over: Way = None) -> None:
    """Ask whether an archive is there and lets us in."""
    print_line(_archive(node, nodes, over).echo())


@app.command()
def find(
    node: NodeName,
    patient_id: Annotated[str, typer.Option("--patient-id", help="As the archive has it; * and ? are wildcards.")] = "",
    name: Annotated[str, typer.Option("--name", help="Patient's name: Doe^John, Doe*.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="YYYYMMDD", help="Studies of this day and later.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="YYYYMMDD", help="Studies of this day and earlier.")] = "",
    modality: Annotated[str, typer.Option(help="Of one of its series: CT.")] = "",
    accession: Annotated[str, typer.Option(help="Accession number.")] = "",
    study: Annotated[str, typer.Option(metavar="UID", help="StudyInstanceUID.")] = "",
    series: Annotated[bool, typer.Option("--series", help="List the series of each study, too.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="Studies to list at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """List studies, the latest first. At least one criterion is needed.

    Exit status: 0 also where there are none, 1 if the archive cannot be asked, 2 wrong usage.
    """
    from napari_lesion.pacs.records import Query
    from napari_lesion.support.errors import ConfigError

    query = Query(
        patient_id=patient_id,
        patient_name=name,
        first_date=first,
        last_date=last,
        modality=modality,
        accession=accession,
        study_uid=study,
    )
    if query.is_empty:
        raise ConfigError("Say what to look for: without any criterion the archive would list all that it has.")
    archive = _archive(node, nodes, over)
    found = archive.studies(query, most)
    cut, found = len(found) > most, found[:most]
    inner = {one.study_uid: archive.series(one.study_uid) for one in found} if series else {}
    if as_json:
        print_line(json.dumps([_as_json(one, inner.get(one.study_uid)) for one in found], indent=2))
    else:
        for one in found:
            print_line(_line(one))
            for part in inner.get(one.study_uid, ()):
                print_line(_series_line(part))
        print_line(f"{len(found)} studies.")
    if cut:
        print_error(f"warning: there are more than {most}; ask more precisely, or say --most.")


@app.command()
def scheduled(
    node: NodeName,
    day: Annotated[str, typer.Option("--date", metavar="YYYYMMDD", help="By default today.")] = "",
    modality: Annotated[str, typer.Option(help="Of the scanner: CT.")] = "",
    station: Annotated[str, typer.Option(help="AE title of the scanner.")] = "",
    patient_id: Annotated[str, typer.Option("--patient-id", help="As the RIS has it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    nodes: NodesFile = None,
) -> None:
    """List what is scheduled, from the modality worklist of a RIS or PACS.

    Exit status: 0 also where there is nothing, 1 if it cannot be asked, 2 wrong usage.
    """
    from dataclasses import asdict

    from napari_lesion.pacs.modality_worklist import MOST_STEPS
    from napari_lesion.pacs.modality_worklist import scheduled as ask
    from napari_lesion.pacs.nodes import load_nodes

    known = load_nodes(nodes)
    found = ask(node, known.node(node), known.local, day=day, modality=modality, station=station, patient_id=patient_id)
    cut, found = len(found) > MOST_STEPS, found[:MOST_STEPS]
    if as_json:
        print_line(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            values = (one.date, one.time, one.station, one.modality, one.patient_id, one.patient_name, one.birth_date)
            parts = (*values, one.description, one.priority, one.accession, one.study_uid)
            print_line(" · ".join(part for part in parts if part))
        print_line(f"{len(found)} scheduled.")
    if cut:
        print_error(f"warning: there are more than {MOST_STEPS}; ask more precisely.")


@app.command()
def tasks(
    node: NodeName,
    label: Annotated[str, typer.Option(help="Of the procedure step.")] = "",
    claim: Annotated[str, typer.Option("--claim", metavar="UID", help="Take one; prints its transaction UID.")] = "",
    complete: Annotated[str, typer.Option("--complete", metavar="UID", help="End one, with the RESULTS.")] = "",
    cancel: Annotated[str, typer.Option("--cancel", metavar="UID", help="End one that could not be done.")] = "",
    transaction: Annotated[str, typer.Option(metavar="UID", help="What --claim printed.")] = "",
    results: Annotated[
        list[Path] | None, typer.Option("--results", exists=True, help="DICOM files, or folders, that it gave.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it could not be done.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """List work that is scheduled for us (UPS), what is urgent first; or claim, complete or cancel it.

    Exit status: 0 done, also where there is nothing, 1 if it is refused, 2 wrong usage.
    """
    from dataclasses import asdict

    from napari_lesion.pacs.storage import instances_below
    from napari_lesion.support.errors import ConfigError

    if sum(map(bool, (claim, complete, cancel))) > 1:
        raise ConfigError("Say one of --claim, --complete and --cancel.")
    if (complete or cancel) and not transaction:
        raise ConfigError("Say the --transaction that --claim printed.")
    worklist = _worklist(node, nodes, over)
    if claim:
        print_line(worklist.claim(claim))
    elif complete:
        worklist.complete(complete, transaction, instances_below(results or []))
    elif cancel:
        worklist.cancel(cancel, transaction, reason)
    else:
        found = worklist.scheduled(label)
        if as_json:
            print_line(json.dumps([asdict(one) for one in found], indent=2))
            return
        for one in found:
            parts = (one.priority, one.start, one.label, one.patient_id, one.patient_name, *one.study_uids, one.uid)
            print_line(" · ".join(part for part in parts if part))
        print_line(f"{len(found)} scheduled.")


@app.command()
def request(
    node: NodeName,
    studies: Annotated[
        list[str], typer.Argument(metavar="UID...", help="StudyInstanceUIDs, as `pacs find` lists them.")
    ],
    label: Annotated[str, typer.Option(help="Of the procedure step: by it who does the work knows it.")],
    patient_id: Annotated[str, typer.Option(help="Whose studies they are.")],
    priority: Annotated[str, typer.Option(help="HIGH, MEDIUM or LOW.")] = "MEDIUM",
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """Schedule work with studies on a worklist (UPS), for a listener or another AI to take; prints its UID.

    Exit status: 0 done, 1 if it is refused, 2 wrong usage.
    """
    from napari_lesion.pacs.workitem_messages import PRIORITIES, Scheduled
    from napari_lesion.support.errors import ConfigError

    if priority not in PRIORITIES:
        raise ConfigError(f"There is no priority {priority!r}; there are {', '.join(PRIORITIES)}.")
    worklist = _worklist(node, nodes, over)
    print_line(worklist.create(Scheduled(label, tuple(studies), patient_id, priority=priority)))


@app.command()
def task(
    node: NodeName,
    uid: Annotated[str, typer.Argument(metavar="UID", help="Of the workitem.")],
    withdraw: Annotated[
        str, typer.Option(metavar="REASON", help="Ask who has it to give it up; nobody has it: cancel it.")
    ] = "",
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """Show how it is with a workitem, whoever has it, or ask for its cancellation.

    Exit status: 0 done, 1 if it is refused, 2 wrong usage.
    """
    worklist = _worklist(node, nodes, over)
    if withdraw:
        worklist.request_cancel(uid, withdraw)
    one = worklist.get(uid)
    parts = (one.state, one.priority, one.start, one.label, one.patient_id, one.patient_name, *one.study_uids)
    print_line(" · ".join(part for part in parts if part))


@app.command()
def get(
    node: NodeName,
    study: Annotated[str, typer.Argument(metavar="UID", help="StudyInstanceUID, as `pacs find` lists it.")],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder; the study gets one in it.")],
    series: Annotated[
        list[str] | None, typer.Option("--series", metavar="UID", help="Only this series; may be given again.")
    ] = None,
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """Fetch a study as it is stored. What is there already is not fetched again: a run that was stopped goes on.

    Exit status: 0 all that the archive lists is there, 1 something is missing, 2 wrong usage.
    """
    from napari_lesion.pacs.retrieve import retrieve

    archive = _archive(node, nodes, over)
    with show_progress() as progress:
        done = retrieve(archive, study, out, series_uids=series or (), progress=progress)
    for note in done.notes:
        print_error(f"warning: {note}")
    print_line(
        f"{done.listed - sum(map(len, done.missing.values()))} of {done.listed} instances are in {done.folder}, "
        f"{done.fetched} of them new."
    )
    for uid, absent in done.missing.items():
        print_error(f"error: series {uid}: {len(absent)} instances that {archive.name} lists did not come.")
    if not done.is_complete:
        print_error("The study is NOT complete. Run the command again to fetch what is missing.")
        raise typer.Exit(1)


@app.command()
def send(
    node: NodeName,
    paths: Annotated[list[Path], typer.Argument(exists=True, metavar="PATH...", help="DICOM files, or folders.")],
    new_studies: Annotated[
        bool, typer.Option("--new-studies", help="Send studies that the archive does not have yet, too.")
    ] = False,
    nodes: NodesFile = None,
    over: Way = None,
) -> None:
    """Send SR, SEG, key images and other DICOM files into the study that they are of, and ask whether they arrived.

    Exit status: 0 all are confirmed, 1 some are not, 2 wrong usage.
    """
    from napari_lesion.pacs.send import send as send_all
    from napari_lesion.pacs.storage import instances_below

    archive = _archive(node, nodes, over)
    with show_progress() as progress:
        instances = instances_below(paths)
        sent = send_all(archive, instances, new_studies=new_studies, progress=progress)
    for note in sent.notes:
        print_error(f"warning: {note}")
    for reason in dict.fromkeys(sent.failed.values()):
        count = sum(why == reason for why in sent.failed.values())
        print_error(f"error: {reason}" if count == 1 else f"error: {count} files: {reason}")
    print_line(f"{len(sent.confirmed)} of {len(instances)} files are in {archive.name}, as it confirms.")
    if sent.failed:
        raise typer.Exit(1)


def _archive(node: str, nodes: Path | None, over: Over | None) -> Archive:
    from napari_lesion.pacs.archives import open_archive
    from napari_lesion.pacs.nodes import load_nodes

    return open_archive(load_nodes(nodes), node, over.value if over is not None else None)


def _line(study: StudyRecord) -> str:
    held = f"{study.instances} instances" if study.instances is not None else ""
    parts = (
        study.date or "no date",
        study.patient_id or "no PatientID",
        study.patient_name,
        study.birth_date,
        "/".join(study.modalities),
        study.description,
        study.accession,
        held,
        study.study_uid,
    )
    return " · ".join(part for part in parts if part)


def _series_line(series: SeriesRecord) -> str:
    held = f"{series.instances} instances" if series.instances is not None else ""
    parts = (series.number, series.modality, series.description, series.body_part, held, series.series_uid)
    return "    " + " · ".join(part for part in parts if part)


def _as_json(study: StudyRecord, series: list[SeriesRecord] | None) -> dict[str, object]:
    from dataclasses import asdict

    content: dict[str, object] = asdict(study)
    if series is not None:
        content["series_list"] = [asdict(one) for one in series]
    return content


def _worklist(node: str, nodes: Path | None, over: Over | None) -> Workitems:
    from napari_lesion.pacs.nodes import load_nodes
    from napari_lesion.pacs.workitems import Workitems

    known = load_nodes(nodes)
    return Workitems(node, known.node(node), known.local, over.value if over is not None else None)

"""``napari-lesion deidentify``: scans and DICOM objects without what names a patient."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from napari_lesion.deidentification.keys import Key
    from napari_lesion.deidentification.run import Outcome

_PASSPHRASE = "NAPARI_LESION_PASSPHRASE"


def deidentify(
    sources: Annotated[list[Path], typer.Argument(exists=True, help="Folders or files of DICOM.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="New folder for what may leave.")] = None,
    profile: Annotated[str, typer.Option(help="Profile of PS3.15 Annex E.")] = "basic",
    retain: Annotated[
        list[str] | None,
        typer.Option(
            help="Keep, with commas between: dates-shifted, patient-characteristics, device, institution, "
            "safe-private, uids."
        ),
    ] = None,
    clean: Annotated[
        list[str] | None,
        typer.Option(help="Clean, with commas between: descriptors, graphics, pixels, structured-content."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="Key file, made where there is none; without it, pseudonyms are new in each run."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be changed.")] = False,
    reidentify: Annotated[
        bool, typer.Option("--reidentify", help="The way back: give results of de-identified scans their patients.")
    ] = False,
    verify: Annotated[bool, typer.Option(help="Search what was written for all values of the sources.")] = True,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: as many as are worth their start.")] = 0,
) -> None:
    """De-identify DICOM, and results of this program, by PS3.15 Annex E: what is not allowed is removed.

    Exit status: 0, or 1 where a file was quarantined: it could not be made sure that it may leave.
    """
    from napari_lesion.deidentification.keys import Key as NewKey
    from napari_lesion.deidentification.options import options_of
    from napari_lesion.deidentification.run import deidentify as run
    from napari_lesion.security.audit import Action, record
    from napari_lesion.security.roles import May, require

    if reidentify:
        _give_back(sources, out, key)
        return
    options = options_of(_listed(retain), _listed(clean), profile)
    if out is None and not dry_run:
        raise OptionError("Say where to write to with --out, or try what would be done with --dry-run.")
    how = f"{profile}; retain: {', '.join(_listed(retain))}; clean: {', '.join(_listed(clean))}"
    for place in (*sources, *([out] if out is not None else []), *([key] if key is not None else [])):
        require(May.DE_IDENTIFY, place)
    record(Action.KEY_USE if key is not None else Action.DE_IDENTIFY, detail=f"de-identification begins: {how}")
    secret = NewKey.new() if key is None else _opened(key, dry_run=dry_run)
    with show_progress() as progress:
        outcome = run(sources, None if dry_run else out, options, secret, check=verify, jobs=jobs, progress=progress)
    left = outcome.patients if outcome.count("written") + outcome.count("masked") and not dry_run else ()
    for patient, _ in left:
        record(Action.DE_IDENTIFY, patient_id=patient.patient_ids[0] if patient.patient_ids else "", detail=how)
    if dry_run:
        _preview(outcome)
    elif key is not None:
        _remember(key, secret, outcome)
    _summary(outcome, out, dry_run=dry_run, verified=verify, kept_key=key is not None)
    if outcome.count("quarantined"):
        raise typer.Exit(1)


def _listed(given: list[str] | None) -> list[str]:
    return [name.strip() for one in given or () for name in one.split(",") if name.strip()]


def _opened(path: Path, *, dry_run: bool) -> Key:
    from napari_lesion.deidentification.keys import Key, read_key, write_key

    passphrase = os.environ.get(_PASSPHRASE) or str(
        typer.prompt("Passphrase of the key", hide_input=True, confirmation_prompt=not path.exists(), err=True)
    )
    if path.exists():
        return read_key(path, passphrase)
    key = Key.new()
    if not dry_run:
        write_key(path, key, passphrase)
    return key


def _remember(path: Path, key: Key, outcome: Outcome) -> None:
    from napari_lesion.deidentification.crosswalk import Crosswalk, place_of, read_crosswalk, write_crosswalk

    patients = {
        pseudonym: {
            "patient_id": patient.patient_ids[0] if patient.patient_ids else "",
            "patient_name": patient.names[0] if patient.names else "",
            "dicom_name": patient.dicom_name,
            "days": str(key.days(patient.identity_text)),
        }
        for patient, pseudonym in outcome.patients
    }
    place = place_of(path)
    write_crosswalk(place, key, read_crosswalk(place, key).joined(Crosswalk(patients, outcome.uids)))


def _give_back(sources: list[Path], out: Path | None, key: Path | None) -> None:
    from napari_lesion.deidentification.crosswalk import place_of, read_crosswalk
    from napari_lesion.deidentification.reidentify import reidentify

    if out is None or key is None or not key.exists():
        raise OptionError("--reidentify needs --out, and with --key the key that the scans were de-identified with.")
    crosswalk = read_crosswalk(place_of(key), _opened(key, dry_run=False))
    with show_progress() as progress:
        returned = reidentify(sources, out, crosswalk, progress)
    for path, why in returned.left_out:
        print_error(f"left out: {path}: {why}")
    print_line(f"{len(returned.written)} files are given back to their patients in {out}: they name them.")
    if returned.left_out:
        raise typer.Exit(1)


def _preview(outcome: Outcome) -> None:
    rows = [[path, what, str(count)] for (path, what), count in sorted(outcome.changes.items())]
    show_table(["attribute", "what becomes of it", "files"], rows)


def _summary(outcome: Outcome, out: Path | None, *, dry_run: bool, verified: bool, kept_key: bool) -> None:
    reasons = Counter((fate.what, fate.why) for fate in outcome.fates if fate.what not in ("written", "masked"))
    for fate in outcome.fates:
        if fate.what == "quarantined":
            print_error(f"quarantined: {fate.source}: {fate.why}")
    for (what, why), count in sorted(reasons.items()):
        if what == "left out":
            print_line(f"left out: {count} files: {why}")
    for note in outcome.notes:
        print_error(f"mind: {note}")
    done = outcome.count("written") + outcome.count("masked")
    people = len(outcome.patients)
    would = "would be" if dry_run else "are"
    where = "" if out is None else f" in {out}"
    masked = f", of which text was masked in {outcome.count('masked')}" if outcome.count("masked") else ""
    print_line(
        f"{done} files of {people} patients {would} de-identified{where}{masked}; "
        f"{outcome.count('quarantined')} quarantined."
    )
    if not dry_run:
        print_line(
            "Searched for all values of the sources: none was found."
            if verified
            else "Nobody has searched it for values of the sources (--no-verify)."
        )
        if not kept_key:
            print_line("The key was thrown away: nobody can tell which patient a pseudonym stands for.")

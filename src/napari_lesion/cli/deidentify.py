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
    from napari_lesion.deidentification.release import Request
    from napari_lesion.deidentification.run import Outcome

_PASSPHRASE = "NAPARI_LESION_PASSPHRASE"

Retain = Annotated[
    list[str] | None,
    typer.Option(
        help="Keep, with commas between: dates-shifted, patient-characteristics, device, institution, safe-private, "
        "uids."
    ),
]
Clean = Annotated[
    list[str] | None,
    typer.Option(help="Clean, with commas between: descriptors, faces, graphics, pixels, structured-content."),
]
KeyPath = Annotated[
    Path | None, typer.Option(help="Key file, made where there is none; without it, pseudonyms are new in each run.")
]
Deidentified = Annotated[
    bool, typer.Option("--deidentified", help="Of exports: de-identify all of it, by --key, --retain and --clean.")
]


def deidentify(
    sources: Annotated[list[Path], typer.Argument(exists=True, help="Folders or files of DICOM.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="New folder for what may leave.")] = None,
    profile: Annotated[str, typer.Option(help="Profile of PS3.15 Annex E.")] = "basic",
    retain: Retain = None,
    clean: Clean = None,
    key: KeyPath = None,
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
    from napari_lesion.deidentification.options import options_of
    from napari_lesion.deidentification.release import KeyFile, Request, key_of, preview, release

    if reidentify:
        _give_back(sources, out, key)
        return
    options = options_of(listed(retain), listed(clean), profile)
    if out is None and not dry_run:
        raise OptionError("Say where to write to with --out, or try what would be done with --dry-run.")
    file = None if key is None else KeyFile(key, passphrase_of(key))
    request = Request(tuple(sources), options, file, check=verify, jobs=jobs)
    with show_progress() as progress:
        if dry_run or out is None:
            outcome = preview(request, key_of(file), progress)
        else:
            outcome = release(request, out, progress)
    if dry_run:
        _preview(outcome)
    _summary(outcome, out, dry_run=dry_run, verified=verify, kept_key=key is not None)
    if outcome.count("quarantined"):
        raise typer.Exit(1)


def request_of(
    deidentified: bool, key: Path | None, retain: list[str] | None, clean: list[str] | None
) -> Request | None:
    """How an export is to be de-identified; None where it is not."""
    if not deidentified:
        if key is not None or retain or clean:
            raise OptionError("--key, --retain and --clean need --deidentified.")
        return None
    from napari_lesion.deidentification.options import options_of
    from napari_lesion.deidentification.release import KeyFile, Request

    file = None if key is None else KeyFile(key, passphrase_of(key))
    return Request((), options_of(listed(retain), listed(clean)), file)


def listed(given: list[str] | None) -> list[str]:
    """Take lists with commas apart."""
    return [name.strip() for one in given or () for name in one.split(",") if name.strip()]


def passphrase_of(key: Path) -> str:
    """Get the passphrase of a key out of the environment, or ask for it."""
    return os.environ.get(_PASSPHRASE) or str(
        typer.prompt("Passphrase of the key", hide_input=True, confirmation_prompt=not key.exists(), err=True)
    )


def _give_back(sources: list[Path], out: Path | None, key: Path | None) -> None:
    from napari_lesion.deidentification.crosswalk import place_of, read_crosswalk
    from napari_lesion.deidentification.keys import read_key
    from napari_lesion.deidentification.reidentify import reidentify

    if out is None or key is None or not key.exists():
        raise OptionError("--reidentify needs --out, and with --key the key that the scans were de-identified with.")
    crosswalk = read_crosswalk(place_of(key), read_key(key, passphrase_of(key)))
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
    reasons = Counter((file.what, file.why) for file in outcome.files if file.what not in ("written", "masked"))
    for file in outcome.files:
        if file.what == "quarantined":
            print_error(f"quarantined: {file.source}: {file.why}")
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

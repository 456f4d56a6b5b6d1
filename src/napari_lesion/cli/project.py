"""``napari-lesion project``: folders of work that lie encrypted, who can open them, and packing for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, show_progress

app = typer.Typer(no_args_is_help=True, help="Encrypt folders of work, and pack files for others.")

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Of reviews, annotations or results.")]
Recipients = Annotated[
    list[str] | None, typer.Option("--recipient", metavar="age1...", help="Who can open it; may be given again.")
]


@app.command()
def identity(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", dir_okay=False, help="Default: where the program looks for it.")
    ] = None,
) -> None:
    """Make the key that opens what is encrypted for you, and print its public half, the recipient."""
    from napari_lesion.security.projects import make_identity

    path, public = make_identity(out)
    print_line(f"Made {path}. Keep a copy of it elsewhere: without it, what it opens is lost.")
    print_line(public)


@app.command()
def encrypt(
    folder: Folder,
    recipient: Recipients = None,
    passphrase: Annotated[
        Path | None,
        typer.Option("--passphrase-file", exists=True, dir_okay=False, help="A passphrase opens it, too (mode 0600)."),
    ] = None,
) -> None:
    """Encrypt all files of a folder, and what the program writes there from then on.

    Exit status: 0 done, 1 something could not be encrypted; what was, stays so, and the next run goes on.
    """
    from napari_lesion.security import projects
    from napari_lesion.support.secrets import from_file

    said = from_file(passphrase) if passphrase is not None else None
    with show_progress() as progress:
        count = projects.encrypt(folder, recipient or (), passphrase=said, progress=progress)
    print_line(f"{folder}: {count} files were encrypted.")


@app.command()
def decrypt(
    path: Annotated[Path, typer.Argument(exists=True, help="An encrypted folder, or a file of one with --out.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", dir_okay=False, help="Where the content of one file goes.")
    ] = None,
) -> None:
    """Take the encryption of a folder away, or write one of its files elsewhere."""
    from napari_lesion.security import projects
    from napari_lesion.support.errors import OptionError

    if path.is_dir() != (out is None):
        raise OptionError("A folder is decrypted where it is; a file goes with --out.")
    if out is not None:
        projects.decrypt_file(path, out)
        print_line(f"Wrote {out}.")
        return
    with show_progress() as progress:
        count = projects.decrypt(path, progress=progress)
    print_line(f"{path}: {count} files were decrypted.")


@app.command()
def rotate(folder: Folder) -> None:
    """Encrypt all files of a folder anew, with a new key."""
    from napari_lesion.security import projects

    with show_progress() as progress:
        count = projects.rotate(folder, progress=progress)
    print_line(f"{folder}: {count} files were encrypted anew.")


@app.command()
def recipients(
    folder: Folder,
    add: Annotated[list[str] | None, typer.Option(metavar="age1...", help="May be given again.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="age1...", help="All files are encrypted anew then; may be given again.")
    ] = None,
) -> None:
    """List who can open a folder, and change it."""
    from napari_lesion.security import projects

    with show_progress() as progress:
        there = projects.change_recipients(folder, add=add or (), remove=remove or (), progress=progress)
    for one in there.recipients:
        print_line(one)
    if "passphrase" in there.wrapped:
        print_line("a passphrase")


@app.command()
def members(
    folder: Folder,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="LOGIN=ROLE[:NAME]",
            help="reader, researcher, data-manager or admin; NAME is what they mark under. May be given again.",
        ),
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="LOGIN", help="May be given again.")] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Key of an administrator, to sign changes (PEM).")
    ] = None,
) -> None:
    """List who may do what in a shared folder, and change it."""
    from napari_lesion.security import roles
    from napari_lesion.support.errors import OptionError

    changes: dict[str, roles.Member | None] = dict.fromkeys(remove or ())
    for text in set_ or ():
        login, _, rest = text.partition("=")
        role, _, name = rest.partition(":")
        known = {one.value.replace(" ", "-"): one for one in roles.Role}
        if not login or role not in known:
            raise OptionError(f"--set {text}: say LOGIN=ROLE[:NAME]; roles are {', '.join(known)}.")
        changes[login] = roles.Member(known[role], name)
    if changes:
        if key is None:
            raise OptionError("Say with which --key the change is signed.")
        roles.change_members(folder, key, changes)
    if roles.folder_of(folder) != folder.resolve():
        print_line(f"{folder} is not shared: it has no members, and no roles.")
        return
    for login, member in sorted(roles.members(folder).items()):
        print_line(f"{login}: {member.role}" + (f", marks as {member.reader}" if member.reader else ""))


@app.command()
def pack(
    paths: Annotated[list[Path], typer.Argument(exists=True, metavar="PATH...", help="Files and folders.")],
    out: Annotated[Path, typer.Option("-o", "--out", dir_okay=False, help="One file of age (a tar in it).")],
    recipient: Recipients = None,
) -> None:
    """Pack files for others, encrypted for them alone; `unpack` opens it, and so does age with tar."""
    from napari_lesion.security import packing

    print_line(f"{packing.pack(paths, out, recipient or ())} files are in {out}.")


@app.command()
def unpack(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="New folder.")],
) -> None:
    """Unpack what was packed for you, all or nothing."""
    from napari_lesion.security import packing

    print_line(f"{packing.unpack(path, out)} files are in {out}.")

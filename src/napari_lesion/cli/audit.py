"""``napari-lesion audit``: whether the audit log is as it was written, and its lines as DICOM audit messages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_error, print_line

app = typer.Typer(no_args_is_help=True, help="Check and export the audit log.")


@app.command()
def verify() -> None:
    """Show whether all lines are there, in order, and as they were written.

    Exit status: 0 they are, 1 some are not (each is named), 2 there is no log to check.
    """
    from napari_lesion.security.audit import open_log

    log = open_log()
    checked = log.check()
    for problem in checked.problems:
        print_error(f"error: {log.path}: {problem}")
    if checked.problems:
        raise typer.Exit(1)
    print_line(f"{log.path}: {checked.lines} lines, all as they were written.")


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", file_okay=False, help="New folder, with a file of XML for each line.")
    ] = None,
    syslog: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Send them by syslog over TLS (RFC 5425) instead.")
    ] = None,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Only lines after this number.")] = 0,
    authorities: Annotated[
        Path | None,
        typer.Option("--ca", exists=True, dir_okay=False, help="Certificates that sign that of the server."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Ours, where the server asks for one (PEM).")
    ] = None,
    key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Its key (PEM, mode 0600).")] = None,
) -> None:
    """Export the lines as DICOM audit messages (PS3.15, A.5). A log that is not as it was written is not exported.

    Exit status: 0 exported, 1 a line is not as it was written or the server did not take them, 2 wrong usage.
    """
    from napari_lesion.security.audit import open_log
    from napari_lesion.security.audit_message import audit_message, syslog_message
    from napari_lesion.security.syslog import PORT, send
    from napari_lesion.support.atomic import whole_folder
    from napari_lesion.support.errors import OptionError

    if (out is None) == (syslog is None):
        raise OptionError("Say where to: either --out or --syslog.")
    if (certificate is None) != (key is None):
        raise OptionError("--certificate and --key come together.")
    if out is not None and out.exists():
        raise OptionError(f"{out} exists. Choose another name, nothing is overwritten.")
    log = open_log()
    if problems := log.check().problems:
        for problem in problems:
            print_error(f"error: {log.path}: {problem}")
        raise typer.Exit(1)
    entries = [entry for entry in log.entries() if entry.number > after]
    if out is not None:
        with whole_folder(out, private=True) as folder:
            for entry in entries:
                (folder / f"{entry.number:08}.xml").write_bytes(audit_message(entry))
        print_line(f"{len(entries)} audit messages are in {out}.")
        return
    host, port = _host(syslog or "", PORT)
    count = send(map(syslog_message, entries), host, port, authorities=authorities, certificate=certificate, key=key)
    print_line(f"{count} audit messages were sent to {host}:{port}; the last line is number {after + count}.")


def _host(text: str, port: int) -> tuple[str, int]:
    from napari_lesion.support.errors import OptionError

    host, _, said = text.rpartition(":") if ":" in text and not text.endswith("]") else (text, "", str(port))
    if not host or not said.isascii() or not said.isdigit() or not 0 < int(said) < 2**16:
        raise OptionError(f"--syslog {text}: say HOST or HOST:PORT.")
    return host.strip("[]"), int(said)

"""``napari-lesion bug-report``: what whoever looks into a fault must know, and nothing of a patient."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, print_lines


def bug_report(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Print versions, computer and settings, and what went wrong of late, to be put into a report of a fault.

    No names of patients, files, folders, computers or users, no headers, no texts of errors: faults are kinds of errors
    and lines of code, series are short hashes. Read it before you send it all the same.
    """
    import json

    from napari_lesion.support.bug_report import collected, in_words

    known = collected()
    if as_json:
        print_lines(json.dumps(known, indent=2))
    else:
        print_lines(in_words(known))
        print_line("Read it before you send it.")

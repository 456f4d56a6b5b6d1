"""The command ``napari-lesion``. Each command imports what it needs when it runs, so that ``--help`` is instant."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from napari_lesion.cli import (
    analyse,
    audit,
    bug_report,
    calibrate,
    data,
    deidentify,
    drift,
    evaluate,
    explain,
    forecast,
    listen,
    models,
    pacs,
    phantom,
    project,
    reading_study,
    records,
    robustness,
    samples,
    second_stage,
    series,
    text,
    timeline,
    train,
    worklist,
)
from napari_lesion.cli import annotations as annotations_command
from napari_lesion.cli import report as report_command
from napari_lesion.cli.console import print_error, print_error_lines, use_plain_text
from napari_lesion.support import nameless
from napari_lesion.support.errors import Cancelled, LesionError

app = typer.Typer(
    name="napari-lesion",
    help="Find lung nodules and other lesions in CT: on disk, headless. For research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("series")(series.series)
app.command("analyse")(analyse.analyse)
app.command("report")(report_command.report)
app.command("explain")(explain.explain)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate")(calibrate.calibrate)
app.command("second-stage")(second_stage.second_stage)
app.command("robustness")(robustness.robustness)
app.command("drift")(drift.drift)
app.add_typer(models.app, name="models")
app.command("train")(train.train)
app.add_typer(annotations_command.app, name="annotations")
app.command("reading-study")(reading_study.reading_study)
app.command("text")(text.text)
app.command("records")(records.records)
app.add_typer(timeline.app, name="timeline")
app.command("phantom")(phantom.phantom)
app.command("samples")(samples.samples)
app.add_typer(data.app, name="data")
app.command("deidentify")(deidentify.deidentify)
app.add_typer(pacs.app, name="pacs")
app.command("listen")(listen.listen)
app.command("bug-report")(bug_report.bug_report)
worklist.app.command("forecast")(forecast.forecast)
app.add_typer(worklist.app, name="worklist")
app.add_typer(audit.app, name="audit")
app.add_typer(project.app, name="project")


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda wanted: _print_version(wanted), is_eager=True, help="Say the version."
        ),
    ] = False,
) -> None:
    pass


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("napari-lesion"))
        raise typer.Exit


def _clean_up_on_signal() -> None:
    """Let SIGTERM and SIGHUP (a terminal that closes) end a command as Ctrl-C does; what ``nohup`` ignores stays so."""
    kinds = [kind for kind in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if kind is not None]

    def stop(number: int, frame: FrameType | None) -> None:
        for kind in kinds:
            signal.signal(kind, signal.SIG_IGN)  # the second one would end the clearing away in the middle
        signal.default_int_handler(number, frame)

    for kind in kinds:
        if signal.getsignal(kind) is not signal.SIG_IGN:
            signal.signal(kind, stop)


def _print_fault(error: Exception) -> None:
    """Print the way of a fault through the code, and keep it for a report."""
    said = nameless.trace(error)
    print_error_lines(said)
    if not nameless.are_traces_full():
        from napari_lesion.support.bug_report import remember

        remember(said)


def main() -> None:
    """Run the command line.

    An error that a user can act on is one sentence, and its kind has the exit status: 2 where nothing could be started
    as asked for (an option, a table, a model), else 1. Of a fault of the program the way through the code is said,
    without what the error quotes.
    """
    use_plain_text()
    _clean_up_on_signal()
    try:
        app()
    except LesionError as error:
        print_error(f"error: {error}")
        sys.exit(error.exit_status)
    except Cancelled as cancelled:
        print_error("cancelled")
        sys.exit(cancelled.exit_status)
    except Exception as error:
        _print_fault(error)
        print_error(
            "This is a fault of napari-lesion. Please report it with what `napari-lesion bug-report` prints: it names "
            f"nobody. {nameless.VARIABLE}=full shows what the error quotes: not for a report."
        )
        sys.exit(1)

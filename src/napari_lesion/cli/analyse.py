"""``napari-lesion analyse``: from folders of DICOM to findings on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_lesion.cli.console import print_error, show_progress
from napari_lesion.cli.known_patients import load_known, warn_of_no_known_patient
from napari_lesion.cli.run_messages import RunMessages
from napari_lesion.cli.withholding import withholding

if TYPE_CHECKING:
    from napari_lesion.batch import BatchResult, Shard, Status
    from napari_lesion.detection.choice import DetectorChoice


class Device(StrEnum):
    """Where the network runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Precision(StrEnum):
    """Numbers that a network computes in."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Retry(StrEnum):
    """What is tried again."""

    FAILED = "failed"
    QUARANTINED = "quarantined"


Paths = Annotated[list[Path], typer.Argument(exists=True, metavar="PATH...", help="DICOM files, folders or zips.")]
Out = Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for the results.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="Id of the model (see `models list`), or the folder of a model package or a MONAI bundle. Default: "
        "see `models default`."
    ),
]
OnDevice = Annotated[Device, typer.Option(help="Where the network runs.")]
InPrecision = Annotated[
    Precision, typer.Option(help="Numbers that torch computes in; auto: float16 on CUDA, float32 elsewhere.")
]
Runtime = Annotated[
    str,
    typer.Option(
        metavar="torch|openvino|FILE", help="What runs the network; FILE is the model.xml of `models export`."
    ),
]
Series = Annotated[
    list[str] | None, typer.Option("--series", metavar="UID", help="Only this series; may be given again.")
]
AllowGaps = Annotated[
    bool, typer.Option("--allow-gaps", help="Interpolate missing slices instead of refusing the series.")
]
AssumeHu = Annotated[
    bool, typer.Option("--assume-hu", help="Take CT values as HU where the headers do not say that they are.")
]
Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Report findings from this score on (default: the model's own).")
]
FalsePositives = Annotated[
    float | None, typer.Option(help="The same in other words: expect so many false positives a scan.")
]
Classes = Annotated[
    list[str] | None, typer.Option("--class", help="Class of a segmentation bundle to look for; may be given again.")
]
TrustBundleCode = Annotated[
    bool,
    typer.Option("--trust-bundle-code", help="Let a MONAI bundle run code of its own. It can do all that you can."),
]
Report = Annotated[
    str,
    typer.Option(
        metavar="KIND,...",
        help="Reports to write for each series: csv, measurements, html, pdf, sr, seg, key-images, heatmap, fhir "
        "(json always is).",
    ),
]
Clinical = Annotated[
    Path | None,
    typer.Option(exists=True, help="What is known of the patients: a CSV, FHIR JSON, or a folder with such files."),
]
Prior = Annotated[
    Path | None, typer.Option(exists=True, metavar="PATH", help="Compare with earlier scans of the same patient there.")
]
Measure = Annotated[bool, typer.Option("--measure/--no-measure", help="Outline, measure and judge the findings.")]
WithholdNames = Annotated[
    bool,
    typer.Option(
        "--withhold-names", help="Keep what names a patient out of all files but findings.json, and out of the log."
    ),
]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--no-resume",
        help="Keep results of the same images, model and settings, or replace them (default: keep them where "
        "OUT has a ledger).",
        show_default=False,
    ),
]
TriedAgain = Annotated[
    list[Retry] | None, typer.Option(help="Try again what failed in earlier runs, or only what is in quarantine.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Analyse in so many processes; a crash costs one series. Default: one series at a time, in this one.",
    ),
]
TimeLimit = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="With --jobs: end a series that does nothing for so long, or computes for longer.",
    ),
]
MemoryLimit = Annotated[
    float | None,
    typer.Option(
        metavar="MIB", help="With --jobs: memory of one process (default: they share nine tenths of what there is)."
    ),
]
Recycle = Annotated[
    int, typer.Option(min=1, metavar="N", help="With --jobs: replace a process by a new one after N series.")
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Analyse on the workers of a Dask scheduler: tcp://host:8786.")
]
Slurm = Annotated[bool, typer.Option("--slurm", help="Ask Slurm for --jobs workers, as Dask's configuration says.")]
ShardName = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Analyse only part I of N, by patient: for job arrays that share one OUT."),
]
JsonLines = Annotated[bool, typer.Option("--json", help="Print what happens as lines of JSON instead of sentences.")]
MonitorAt = Annotated[
    str | None,
    typer.Option(
        metavar="[HOST:]PORT",
        help="With --jobs: show how far the run is in a browser (default HOST: this computer alone).",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done with each series; nothing is written.")
]


def analyse(
    paths: Paths,
    out: Out,
    model: Model = None,
    device: OnDevice = Device.AUTO,
    precision: InPrecision = Precision.AUTO,
    runtime: Runtime = "torch",
    series: Series = None,
    allow_gaps: AllowGaps = False,
    assume_hu: AssumeHu = False,
    threshold: Threshold = None,
    false_positives: FalsePositives = None,
    classes: Classes = None,
    trust_bundle_code: TrustBundleCode = False,
    report: Report = "",
    clinical: Clinical = None,
    prior: Prior = None,
    measure: Measure = True,
    withhold_names: WithholdNames = False,
    resume: Resume = None,
    retry: TriedAgain = None,
    jobs: Jobs = None,
    time_limit: TimeLimit = 3600.0,
    memory_limit: MemoryLimit = None,
    recycle: Recycle = 200,
    scheduler: Scheduler = None,
    slurm: Slurm = False,
    shard: ShardName = None,
    json_lines: JsonLines = False,
    monitor: MonitorAt = None,
    dry_run: DryRun = False,
) -> None:
    """Find lesions in every CT series below PATH... (in MR, where the model was made for MR).

    Writes OUT/<SeriesInstanceUID>/findings.json, heatmap.nii.gz and overview.png for each, and OUT/summary.csv with a
    row for every series (with its folder), those skipped and failed with the reason; OUT/index.html shows the same in a
    browser. With --report, reports lie there. A run that was ended goes on when it is begun again.

    Exit status: 0 all done, 1 some failed (a series, or a report), 2 wrong usage.
    """
    from napari_lesion.batch import Workers, analyse_folder
    from napari_lesion.batch.monitor import Monitor
    from napari_lesion.cli.live import show_status
    from napari_lesion.report.write import kinds_of
    from napari_lesion.support.progress import Progress, silent

    kinds = kinds_of(report)
    detector = _detector(model, runtime, trust_bundle_code, classes or (), precision)
    workers = None
    if jobs is not None or scheduler or slurm:
        workers = Workers(jobs or 1, time_limit, memory_limit, recycle, scheduler or "", slurm)
    if workers is None and monitor is not None:
        raise typer.BadParameter("--monitor shows what the processes of --jobs do; add --jobs.")
    options = {"precision": precision.value, "runtime": runtime, "classes": ",".join(sorted(classes or ()))}
    messages = RunMessages(machine=json_lines)
    with withholding(withhold_names, (*paths, clinical, prior, out)) as withheld:
        known = load_known(clinical, listed=withheld is None)
        with ExitStack() as stack:
            progress: Progress = silent
            on_status: Callable[[Status], None] = _ignore
            if workers is None or dry_run:
                progress = stack.enter_context(show_progress())
            else:
                on_status = stack.enter_context(show_status(machine=json_lines))
            if monitor is not None:
                messages.monitor = stack.enter_context(closing(Monitor(*_address(monitor))))
                print_error(f"The run is shown at {messages.monitor.address}")
            result = analyse_folder(
                paths,
                out,
                detector=detector,
                device=device.value,
                series_uids=series or (),
                allow_gaps=allow_gaps,
                assume_hu=assume_hu,
                threshold=threshold,
                false_positives=false_positives,
                resume=True if retry and resume is None else resume,
                retry=[one.value for one in retry or ()],
                dry_run=dry_run,
                measure=measure,
                reports=kinds,
                clinical=known,
                prior=prior,
                withheld=withheld,
                settings={name: value for name, value in options.items() if value},
                progress=progress,
                on_outcome=messages.show_outcome,
                on_plan=messages.show_plan,
                workers=workers,
                shard=None if shard is None else _shard(shard),
                on_status=messages.status_to(on_status),
            )
        if result.plan is not None and dry_run:
            messages.show_steps(result.plan)
            return
        messages.show_end(result, str(out) if withheld is None else "the folder that was named")
        if known is not None and clinical is not None and result.count("done"):
            warn_of_no_known_patient(clinical, known, result.known_patients, listed=withheld is None)
        _end(result)


def _end(result: BatchResult) -> None:
    """End with the status of the run."""
    unwritten = [one.series_uid for one in result.outcomes if one.reports_failed]
    if unwritten:
        print_error(f"error: some reports of {len(unwritten)} series could not be written; the warnings say why.")
    if result.count("failed") or unwritten:
        raise typer.Exit(1)


def _ignore(status: Status) -> None:
    """Show nothing."""


def _detector(
    model: str | None, runtime: str, trust_code: bool, classes: Sequence[str], precision: Precision
) -> DetectorChoice:
    """Choose the detector; refuse what another runtime than torch cannot do."""
    from napari_lesion.detection.choice import TORCH, DetectorChoice
    from napari_lesion.detection.default import default_model

    if runtime != TORCH:
        if trust_code or classes:
            raise typer.BadParameter("--class and --trust-bundle-code are for MONAI bundles, which torch runs.")
        if precision is not Precision.AUTO:
            raise typer.BadParameter("--precision is for torch; another runtime computes as it was compiled.")
    return DetectorChoice(model or default_model(), runtime, trust_code, tuple(classes), precision.value)


def _shard(text: str) -> Shard:
    """Read I/N."""
    from napari_lesion.batch import Shard

    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal()):
        raise typer.BadParameter(f"--shard {text}: write it as 3/8, the third of eight.")
    return Shard(int(number), int(count))


def _address(text: str) -> tuple[str, int]:
    """Read [HOST:]PORT."""
    from napari_lesion.batch.monitor import LOOPBACK

    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise typer.BadParameter(f"--monitor {text}: write it as 8080, or as 0.0.0.0:8080.")
    return host.strip("[]") or LOOPBACK, int(port)

"""The canary patient goes through every command: what is printed, written, logged and left is what the table says.

A new command without an entry in `COMMANDS` fails. ``NAPARI_LESION_SHOW_PLACES=1`` prints rows for the table.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
import typer
import yaml
from fake_scan import FakeDetector
from leak_canary import FOLDER, SERIES_UID, STUDY_UID, VALUES, parts_in, write_scan
from leak_case import WITHHELD, Case, allowed, new_case
from listener_case import PATIENCE_S
from orthanc import Orthanc, running
from reading_case import read_scan, report_with
from training_scan import write_project
from ups_server import Worklist, by_dimse

from napari_lesion.annotation.annotations import AnnotationSet, new_annotation
from napari_lesion.annotation.store import Store
from napari_lesion.batch import analyse_folder
from napari_lesion.cli.main import app
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Candidate
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import NoduleNet
from napari_lesion.pacs.queue import Queue
from napari_lesion.samples import RealCase, describe_real_case, download_real_case
from napari_lesion.security.projects import make_identity
from napari_lesion.timeline.cohort import Settings, simulate
from napari_lesion.timeline.model import Description, save_model
from napari_lesion.timeline.network import TimelineNet
from napari_lesion.timeline.tables import save_cohort

CENTER = (40.0, -15.0, -289.0)
FOUND = (Candidate(CENTER, 9.0, 0.9), Candidate((-40.0, -30.0, -286.0), 6.0, 0.6))
KINDS = "csv,measurements,html,pdf,sr,seg,key-images,heatmap,fhir"
NAMELESS_KINDS = "csv,measurements,html,pdf"
PRIOR_UID = f"{SERIES_UID}.9"
CASE = RealCase("LIDC-IDRI-0171", "1.2.3", 133, 50.0, "CC BY 3.0", "10.7937")


class NoArchive:
    """In place of the Imaging Data Commons, whose index takes long to load: it has nothing."""

    def collection(self, name: str) -> tuple[()]:
        return ()

    def find(self, series_uid: str) -> RealCase:
        return CASE


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scan, and an earlier one of the same patient."""
    root = tmp_path_factory.mktemp("scans") / FOLDER
    write_scan(root / "ct")
    write_scan(root / "prior", PRIOR_UID, StudyInstanceUID=f"{STUDY_UID}.9", StudyDate="20230228")
    return root


@pytest.fixture(scope="module")
def results(scans: Path) -> Path:
    """What `analyse` wrote of the scan, names and all."""
    out = scans.parent / "out"
    analyse_folder([scans / "ct"], out, detector=FakeDetector(FOUND), measure=False, reports=("html",))
    return out


@pytest.fixture
def case(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Case]:
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda *a, **k: FakeDetector(FOUND))
    monkeypatch.setattr("napari_lesion.samples.ImagingDataCommons", NoArchive)
    for function in (describe_real_case, download_real_case):
        monkeypatch.setitem(function.__kwdefaults__, "archive", NoArchive)
    with new_case(tmp_path, monkeypatch, capfd, lambda to: shutil.copytree(scans, to, dirs_exist_ok=True)) as one:
        yield one


# ------------------------------------------------------------------------------------------------- what goes before


def analysed(case: Case) -> None:
    shutil.copytree(case.results, case.out)


def table_of_truth(case: Case) -> Path:
    path = case.root / "truth.csv"
    row = ",".join(map(str, (*CENTER, 9.0)))
    path.write_text(f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{SERIES_UID},{row}\n")
    return path


def clinical(case: Case) -> Path:
    """What is known of the patient, with a value that is none."""
    path = case.scan.parent / "Qzfilename.csv"
    path.write_text(f"patient_id,age_years,smoking\n{VALUES['PatientID']},61,never\nQzpatid-9,Qznamefam,\n")
    return path


def annotated(case: Case) -> Path:
    volume = read_series(find_series(case.scan)[0])
    store = Store(case.root / "annotations")
    for reader in ("ann", "ben"):
        mark = new_annotation(volume, label="nodule", reader=reader, center_mm=CENTER, diameter_mm=9.0)
        store.save(AnnotationSet.empty(volume, reader, "lung nodules").put(mark).finished(True))
    return store.folder


def small_package(case: Case) -> Path:
    metadata = package_metadata.Metadata(
        id="small",
        version="1.2.3",
        task="test",
        licence="none",
        threshold=0.3,
        network=package_metadata.NoduleNetSpec(width=2),
        preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
        training_cases=("none",),
    )
    folder = case.scan.parent / "small"
    return packages.save_package(folder, NoduleNet(width=2).state_dict(), metadata, "# small\n").folder


def results_of_small(case: Case) -> Path:
    analysed(case)
    package = packages.read_package(small_package(case))
    path = case.out / SERIES_UID / "findings.json"
    content = json.loads(path.read_text())
    content["model"] |= {"id": "small", "version": "1.2.3", "sha256": package.metadata.sha256}
    content.pop("checksums", None)
    path.write_text(json.dumps(content))
    return package.folder


def listed(case: Case) -> None:
    analysed(case)
    case("worklist", "add", case.out, where="before")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory, scans: Path) -> Iterator[Orthanc]:
    """An archive that holds the scan."""
    with running(tmp_path_factory.mktemp("orthanc")) as archive:
        archive.put(sorted((scans / "ct").iterdir()))
        step, item = pydicom.Dataset(), pydicom.dcmread(sorted((scans / "ct").iterdir())[0], stop_before_pixels=True)
        step.ScheduledStationAETitle, step.Modality = "CT1", "CT"
        step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260131", "110000"
        step.ScheduledProcedureStepDescription, step.ScheduledProcedureStepID = "Qzstudytext", "S1"
        item.ScheduledProcedureStepSequence = [step]
        item.RequestedProcedureID = "R1"
        item.file_meta.MediaStorageSOPClassUID = "1.2.276.0.7230010.3.1.0.1"
        pydicom.dcmwrite(archive.folder / "worklists" / "one.wl", item, enforce_file_format=True)
        yield archive


@pytest.fixture
def nodes(request: pytest.FixtureRequest, case: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The archive, a RIS, and one that is not there."""
    archive: Orthanc = request.getfixturevalue("orthanc")
    worklist = Worklist()
    for number in (1, 2):
        uid = f"{STUDY_UID}.{number}"
        worklist.schedule(uid, "nodules", "HIGH", STUDY_UID)
        worklist.items[uid].PatientID, worklist.items[uid].PatientName = VALUES["PatientID"], VALUES["PatientName"]
    with by_dimse(worklist) as port:
        known = archive.nodes().model_dump(mode="json", exclude_none=True)
        known["nodes"]["web"] = {**known["nodes"]["orthanc"], "prefer": "dicomweb"}
        known["nodes"]["ris"] = {"ae_title": "RIS", "host": "127.0.0.1", "port": port, "timeout_s": PATIENCE_S}
        known["nodes"]["gone"] = {"ae_title": "GONE", "host": "127.0.0.1", "port": 1, "timeout_s": 2}
        path = case.root / "home" / "nodes.yaml"
        path.write_text(yaml.safe_dump(known))
        monkeypatch.setenv("NAPARI_LESION_PACS", str(path))
        yield


# ----------------------------------------------------------------------------------------------------- the commands


def series(case: Case) -> None:
    case("series", case.scan)
    case("series", case.scan, "--json", where="series --json")


def analyse(case: Case) -> None:
    known = clinical(case)
    words = (case.scan, "--prior", case.scan.parent / "prior", "--clinical", known)
    case("analyse", *words, "-o", case.out, "--report", KINDS)
    shutil.rmtree(case.out)
    case("analyse", *words, "-o", case.out, "--no-measure", "--json", where="analyse --json")
    case("analyse", *words, "-o", case.out, "--dry-run", where="analyse --dry-run")
    shutil.rmtree(case.out)
    words = (*words, "-o", case.out, "--no-measure", "--report", NAMELESS_KINDS, "--withhold-names")
    case("analyse", *words, where="analyse --withhold-names")


def report(case: Case) -> None:
    analysed(case)
    known = clinical(case)
    case("report", case.out, "--format", KINDS, "--clinical", known)
    words = ("--format", NAMELESS_KINDS, "--clinical", known, "--scans", case.scan, "--withhold-names")
    case("report", case.out, *words, where="report --withhold-names")


def explain(case: Case) -> None:
    analysed(case)
    case("explain", case.scan, "-o", case.out / "maps", "--method", "heatmap")


def evaluate(case: Case) -> None:
    analysed(case)
    case("evaluate", "--truth", table_of_truth(case), "--results", case.out, "--bootstraps", 10)


def calibrate(case: Case) -> None:
    package = results_of_small(case)
    words = ("--truth", table_of_truth(case), "--results", case.out, "--model", package)
    case("calibrate", *words, "-o", case.out / "calibrated", status=2)  # too few findings


def second_stage(case: Case) -> None:
    package = results_of_small(case)
    words = ("--truth", table_of_truth(case), "--results", case.out, "--scans", case.scan, "--model", package)
    case("second-stage", *words, "-o", case.out / "joined", status=2)  # too few scans


def robustness(case: Case) -> None:
    case("robustness", case.scan, "--truth", table_of_truth(case), "-o", case.out / "table", "--only", "another header")


def drift(case: Case) -> None:
    analysed(case)
    reference = case.root / "reference.json"
    values = {"age, years": [50.0] * 30, "scanner": ["one"] * 30, "findings": [1.0] * 30}
    reference.write_text(json.dumps({"of": "made", "model": "", "values": values}))
    words = ("--reference", reference, "--horizon", 5, "--scans", case.scan)
    case("drift", case.out, "-o", case.out / "drift", *words)


def train(case: Case) -> None:
    config = write_project(case.scan.parent / "project", steps=1, mine_every=1, checkpoint_every=1)
    for path in (config.parent / "test").iterdir():
        one = pydicom.dcmread(path)
        with pydicom.config.disable_value_validation():
            for keyword, value in VALUES.items():
                setattr(one, keyword, value)
            one.save_as(path)
    case("train", config, "-o", case.out / "run", "--held-out", 1)


def reading_study(case: Case) -> None:
    one = report_with((CENTER, 0.9), series_uid=SERIES_UID)
    identity = read_series(find_series(case.scan)[0]).series
    read_scan(case.root / "readings", "ann", one.model_copy(update={"series": identity}), marks=((CENTER, 4),))
    words = ("--truth", table_of_truth(case), "-o", case.out / "study", "--bootstraps", 10)
    case("reading-study", case.root / "readings", *words)


def phantom(case: Case) -> None:
    case("phantom", case.scan, status=1)  # the patient's folder: refused


def samples(case: Case) -> None:
    case("samples", case.scan, status=1)  # the patient's folder: refused


def listen(case: Case) -> None:
    path = case.scan.parent / "listener.yaml"
    service = case.root / "service"
    service.mkdir()
    Queue(service).close()
    path.write_text(yaml.safe_dump({"ae_title": "LESION", "callers": ["A"], "port": 11999, "folder": str(service)}))
    case("listen", path, "--status")


def models(*words: object) -> Callable[[Case], None]:
    def go(case: Case) -> None:
        package = small_package(case)
        if words[0] not in ("add", "list", "pull"):
            case("models", "add", package, where="before")
        case("models", *(package if word is Path else word for word in words))

    return go


def models_sign(case: Case) -> None:
    package = small_package(case)
    case("models", "sign", package, "--key", case.scan.parent / "Qzfilename.pem", "--make-key")


def models_trust(case: Case) -> None:
    package, key = small_package(case), case.scan.parent / "Qzfilename.pem"
    case("models", "sign", package, "--key", key, "--make-key", where="before")
    case("models", "trust", next(key.parent.glob("*.pub")))


def audit(*words: object) -> Callable[[Case], None]:
    def go(case: Case) -> None:
        """The log of an analysis, a search and an export."""
        case("analyse", case.scan, "-o", case.out, "--no-measure", "--report", "csv,sr", where="before")
        case("audit", *words)

    return go


def models_export(case: Case) -> None:
    case("models", "export", small_package(case), "-o", case.scan.parent / "Qzfilename.zip")


def annotations_list(case: Case) -> None:
    case("annotations", "list", annotated(case))


def annotations_export(case: Case) -> None:
    folder = annotated(case)
    for form in ("luna16", "coco", "nifti"):
        case("annotations", "export", folder, "--to", form, "-o", case.out / form, "--reader", "ann")
    words = ("--to", "training", "--reader", "ann", "--scans", case.scan)
    case("annotations", "export", folder, *words, "-o", case.out / "training")


def annotations_import(case: Case) -> None:
    readings = case.scan.parent / "Qzfilename.xml"
    readings.write_text("<LidcReadMessage></LidcReadMessage>")
    words = (readings, "--scans", case.scan, "-o", case.out)
    case("annotations", "import", *words, status=2)


def annotations_agreement(case: Case) -> None:
    case("annotations", "agreement", annotated(case), "-o", case.out)


def data_lidc(case: Case) -> None:
    case("data", "lidc", "-o", case.scan, "--truth-only", status=2)


def pacs_echo(case: Case) -> None:
    case("pacs", "echo", "orthanc")
    case("pacs", "echo", "gone", status=1)


def pacs_find(case: Case) -> None:
    assert "1 studies" in case("pacs", "find", "orthanc", "--name", "Qznamefam*", "--series")
    assert "1 studies" in case("pacs", "find", "web", "--study", STUDY_UID, "--series")
    case("pacs", "find", "orthanc", "--name", "Qznamefam*", "--json", "--series")
    case("pacs", "find", "gone", "--name", "Qznamefam*", status=1, where="pacs find, refused")


def pacs_scheduled(case: Case) -> None:
    assert "1 scheduled" in case("pacs", "scheduled", "orthanc", "--date", "20260131")
    case("pacs", "scheduled", "orthanc", "--date", "20260131", "--json")


def pacs_tasks(case: Case) -> None:
    assert "2 scheduled" in case("pacs", "tasks", "ris")
    case("pacs", "tasks", "ris", "--json")
    transaction = case("pacs", "tasks", "ris", "--claim", f"{STUDY_UID}.1", where="pacs tasks, one").strip()
    words = ("--cancel", f"{STUDY_UID}.1", "--transaction", transaction, "--reason", "none")
    case("pacs", "tasks", "ris", *words, where="pacs tasks, one")


def pacs_request(case: Case) -> None:
    case("pacs", "request", "ris", STUDY_UID, "--label", "nodules", "--patient-id", VALUES["PatientID"])


def pacs_task(case: Case) -> None:
    assert "SCHEDULED" in case("pacs", "task", "ris", f"{STUDY_UID}.1")
    case("pacs", "task", "gone", f"{STUDY_UID}.1", status=1, where="pacs task, refused")


def pacs_get(case: Case) -> None:
    for node in ("orthanc", "web"):
        case("pacs", "get", node, STUDY_UID, "-o", case.out / node)


def pacs_send(case: Case) -> None:
    for node in ("orthanc", "web"):
        case("pacs", "send", node, case.scan)
    case("pacs", "send", "orthanc", case.scan.parent / "prior", status=1)


def worklist_list(case: Case) -> None:
    listed(case)
    for words in ((), ("--why",), ("--json",)):
        case("worklist", "list", *words)
        case("worklist", "list", *words, "--withhold-names", where="worklist list --withhold-names")


def worklist_next(case: Case) -> None:
    listed(case)
    for words in ((), ("--json",)):
        case("worklist", "next", "--reader", "Ada", *words)
        case("worklist", "release", STUDY_UID, "--reader", "Ada", where="before")
        case("worklist", "next", "--reader", "Ada", "--withhold-names", *words, where="worklist next --withhold-names")
        case("worklist", "release", STUDY_UID, "--reader", "Ada", where="before")


def worklist_claim(case: Case) -> None:
    listed(case)
    case("worklist", "claim", STUDY_UID, "--reader", "Ada")
    case("worklist", "claim", STUDY_UID, "--reader", "Bo", status=1)
    case("worklist", "claim", STUDY_UID, "--reader", "Ada", "--withhold-names", where="worklist claim --withhold-names")
    case("worklist", "claim", "Qzpatid/7701", "--reader", "Bo", status=2, where="worklist claim, refused")


def worklist_on(*words: object, status: int = 0) -> Callable[[Case], None]:
    def go(case: Case) -> None:
        listed(case)
        case("worklist", *(case.out if word is Path else word for word in words), status=status)

    return go


def worklist_forecast(case: Case) -> None:
    listed(case)
    case("worklist", "forecast", status=1)  # too few have come
    arrivals = case.scan.parent / "Qzfilename.csv"
    arrivals.write_text("patient,arrived\nQznamefam,Qzcomment\n")
    case("worklist", "forecast", arrivals, status=2)


def bug_report(case: Case) -> None:
    case("analyse", case.root / "nowhere", "-o", case.out, status=2, where="before")
    settings = case.root / "settings.ini"
    settings.write_text('[report]\nfolder="/Qzfolder/Qznamefam"\n[views]\nfour_up=true\n')
    case.patch.setenv("NAPARI_LESION_SETTINGS", str(settings))
    case.patch.setenv("NAPARI_LESION_WORKLIST", "/Qzfolder/list")
    printed = case("bug-report") + case("bug-report", "--json")
    assert "views/four_up: true" in printed
    assert "report/folder: is set" in printed


def text(case: Case) -> None:
    reports = case.scan.parent / "Qzfilename.csv"
    said = (
        "Qznamefam, born 12.06.1944: solid nodule of 8 mm in the right upper lobe, new. CT in 3 months. Lung-RADS 4A."
    )
    reports.write_text(f"patient_id,date,text\n{VALUES['PatientID']},2023-02-28,{said.replace(',', ';')}\n")
    case("text", reports, "-o", case.out, "--columns", "text=text,patient_id=patient_id,date=date")


def records(case: Case) -> None:
    values = case.scan.parent / "Qzfilename.csv"
    row = "2023-02-28,creatinine,1.1,mg/dl"
    values.write_text(f"patient_id,date,name,value,unit\n{VALUES['PatientID']},{row}\nQzpatid-9,{row}\n")
    words = ("--columns", "patient_id=patient_id,date=date,name=name,value=value,unit=unit")
    case("records", values, "--patient", VALUES["PatientID"], "-o", case.root / "records.csv", *words)


def timeline_simulate(case: Case) -> None:
    case("timeline", "simulate", "-o", case.out / "cohort", "--persons", 5)


def timeline_train(case: Case) -> None:
    save_cohort(simulate(Settings(persons=60)), case.root / "cohort", Settings())
    # torch makes an empty folder for its compiler among the temporary files.
    case.patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(case.root / "torch"))
    case("timeline", "train", case.root / "cohort", "-o", case.out / "run", "--steps", 2)


def timeline_predict(case: Case) -> None:
    analysed(case)
    said = Description(id="made", version="1", width=4, simulated=True, persons=())
    model = save_model(case.root / "model", TimelineNet(4), said, "made")
    case("timeline", "predict", case.out, "--model", model, "-o", case.out / "risk")


def timeline_evaluate(case: Case) -> None:
    for seed in (1, 2):
        save_cohort(simulate(Settings(persons=120, seed=seed)), case.root / f"cohort{seed}", Settings())
    words = (case.root / "cohort2", "--learn", case.root / "cohort1", "--times", 20)
    case("timeline", "evaluate", *words, "-o", case.out / "compared")


def deidentify(case: Case) -> None:
    case("deidentify", case.scan, "-o", case.root / "clean")
    assert parts_in(case.root / "clean") == set()


def project(name: str) -> Callable[[Case], None]:
    def go(case: Case) -> None:
        analysed(case)
        folder, packed = case.out / SERIES_UID, case.scan.parent / "Qzfilename.age"
        recipient = "" if name == "identity" else make_identity()[1]
        words: dict[str, tuple[object, ...]] = {
            "encrypt": (folder, "--recipient", recipient),
            "pack": (folder, "-o", packed, "--recipient", recipient),
            "unpack": (packed, "-o", case.root / "unpacked"),
        }
        before = {"decrypt": "encrypt", "rotate": "encrypt", "recipients": "encrypt", "unpack": "pack"}
        for step in filter(None, (before.get(name), name)):
            given = words.get(step, () if step == "identity" else (folder,))
            case("project", step, *given, where=None if step == name else "before")
        if name in ("encrypt", "rotate"):
            assert parts_in(folder) == set()
        if name == "pack":
            assert parts_in(packed) == set()

    return go


COMMANDS: dict[str, Callable[[Case], None]] = {
    "series": series,
    "analyse": analyse,
    "report": report,
    "explain": explain,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "second-stage": second_stage,
    "robustness": robustness,
    "drift": drift,
    "train": train,
    "reading-study": reading_study,
    "phantom": phantom,
    "samples": samples,
    "listen": listen,
    "models list": models("list"),
    "models default": models("default", "small"),
    "models show": models("show", "small"),
    "models verify": models("verify", "small"),
    "models add": models("add", Path),
    "models remove": models("remove", "small"),
    "models export": models_export,
    "models sign": models_sign,
    "models trust": models_trust,
    "audit verify": audit("verify"),
    "audit export": audit("export", "-o", "messages"),
    "models pull": models("pull"),
    "annotations list": annotations_list,
    "annotations export": annotations_export,
    "annotations import": annotations_import,
    "annotations agreement": annotations_agreement,
    "data lidc": data_lidc,
    "pacs echo": pacs_echo,
    "pacs find": pacs_find,
    "pacs scheduled": pacs_scheduled,
    "pacs tasks": pacs_tasks,
    "pacs request": pacs_request,
    "pacs task": pacs_task,
    "pacs get": pacs_get,
    "pacs send": pacs_send,
    "worklist add": worklist_on("add", Path),
    "worklist remove": worklist_on("remove", Path),
    "worklist list": worklist_list,
    "worklist next": worklist_next,
    "worklist claim": worklist_claim,
    "worklist release": worklist_on("release", STUDY_UID, "--reader", "Bo", status=1),
    "worklist done": worklist_on("done", STUDY_UID, "--reader", "Bo"),
    "worklist priority": worklist_on("priority", STUDY_UID, "STAT"),
    "worklist history": worklist_on("history", STUDY_UID),
    "worklist rule": worklist_on("rule"),
    "bug-report": bug_report,
    "text": text,
    "records": records,
    "timeline simulate": timeline_simulate,
    "timeline train": timeline_train,
    "timeline predict": timeline_predict,
    "timeline evaluate": timeline_evaluate,
    "deidentify": deidentify,
    **{
        f"project {name}": project(name)
        for name in ("identity", "encrypt", "decrypt", "rotate", "recipients", "members", "pack", "unpack")
    },
    "worklist forecast": worklist_forecast,
}


def names_of(command: object, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of all commands of the program, of those in groups, too."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(before)
    else:
        for name, one in inner.items():
            yield from names_of(one, (*before, name))


def test_every_command_is_tried() -> None:
    missing = set(names_of(typer.main.get_command(app))) ^ COMMANDS.keys()
    assert missing == set(), "add what the command does with the canary patient to COMMANDS, and its rows to the table"


def test_the_table_is_of_commands_that_there_are() -> None:
    places = {place.partition(": ")[0] for place in allowed()} - {"files", f"files, {WITHHELD}", "napari"}
    unknown = {place for place in places if place.partition(" --")[0].partition(",")[0] not in COMMANDS}
    assert unknown == set()
    assert allowed()["analyse --withhold-names: printed"] == frozenset()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_patient_is_nowhere_but_where_the_table_says(name: str, case: Case, request: pytest.FixtureRequest) -> None:
    if name.startswith("pacs "):
        request.getfixturevalue("nodes")
    case.results = request.getfixturevalue("results")
    case.where = name
    COMMANDS[name](case)
    case.collected.compare()

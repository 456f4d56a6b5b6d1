from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from fake_scan import FakeDetector, make_volume

from napari_lesion.cli.main import main
from napari_lesion.detection.registry import load_detector
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate
from napari_lesion.pipeline import analyse
from napari_lesion.report.json import load_report, save_report
from napari_lesion.review import edits
from napari_lesion.review.review import Review, provenance

FOUND = (Candidate((40.0, -15.0, -289.0), 9.0, 0.9),)
ONE, TWO = "1.2.826.1", "1.2.826.2"


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A good series, and one with a gap."""
    root = tmp_path_factory.mktemp("tree")
    write_ct_series(make_volume(shape=(12, 100, 150)), root / "good", series_uid=ONE)
    write_ct_series(make_volume(shape=(12, 100, 150)), root / "gap", series_uid=TWO)[4].unlink()
    (root / "notes.txt").write_text("not an image")
    return root


@pytest.fixture
def run(monkeypatch, command):
    """The command line with a detector that finds what it is told to: gives exit status, stdout and stderr."""
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda name: FakeDetector(FOUND))
    return command


# -- analyse ----------------------------------------------------------------------------------------------------------


def test_analyse_says_what_became_of_each_series_and_ends_with_1_where_one_failed(tree, tmp_path, run):
    status, out, _ = run("analyse", tree, "-o", tmp_path / "out")
    assert status == 1
    assert f"done     {ONE} (Thorax lung): 1 findings, best score 0.90" in out
    assert f"failed   {TWO}" in out
    assert "--allow-gaps" in out
    assert "1 done, 0 skipped, 1 failed; 1 files are part of no series." in out
    assert (tmp_path / "out" / ONE / "findings.json").exists()


def test_analyse_ends_with_0_where_all_is_done(tree, tmp_path, run):
    assert run("analyse", tree, "-o", tmp_path / "out", "--allow-gaps")[0] == 0
    assert run("analyse", tree, "-o", tmp_path / "out", "--series", ONE, "--resume")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent", "-o", "out"], "does not exist"),
        (["."], "--out"),
        ([".", "-o", "out", "--threshold", "1.5"], "threshold"),
        ([".", "-o", "out", "--device", "abacus"], "device"),
        ([".", "-o", "out", "--no-such-option"], "no-such-option"),
        ([".", "-o", "out", "--precision", "float64"], "precision"),
        ([".", "-o", "out", "--precision", "bfloat16", "--runtime", "openvino"], "is for torch"),
    ],
)
def test_wrong_usage_ends_with_2_and_does_nothing(arguments, words, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("analyse", *arguments)
    assert status == 2
    assert words in err
    assert not list(tmp_path.iterdir())


def test_an_unknown_model_ends_with_2_and_names_itself(tree, tmp_path, run, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["napari-lesion", "analyse", str(tree), "-o", str(tmp_path), "--model", "nobody"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2


def test_a_precision_that_a_model_has_not_ends_with_2_before_anything_is_read(tree, tmp_path, run, monkeypatch):
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", load_detector)
    status, _, err = run("analyse", tree, "-o", tmp_path / "o", "--model", "nodule-2d", "--precision", "bfloat16")
    assert status == 2
    assert "model nodule-2d always computes in float32; leave the precision to auto." in err
    assert not (tmp_path / "o").exists()


def test_a_folder_without_images_ends_with_1(tmp_path, run):
    (tmp_path / "empty").mkdir()
    status, out, _ = run("analyse", tmp_path / "empty", "-o", tmp_path / "out")
    assert status == 1
    assert "no image series" in out


SLOW = """
import signal, sys, time
# A shell without job control lets what it runs in the background ignore SIGINT, and this would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {tests!r})
import napari_lesion.detection.registry as registry
from fake_scan import FakeDetector

class Slow(FakeDetector):
    def detect(self, volume, **options):
        result = super().detect(volume, **options)
        if len(self.calls) == 2:
            print("SEARCHING", flush=True)
            time.sleep(60)
        return result

registry.load_detector = lambda name: Slow()
from napari_lesion.cli.main import main
sys.argv = ["napari-lesion", "analyse", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_leaves_only_what_is_complete(tree, tmp_path, kind):
    code = SLOW.format(tests=os.fspath(tree.__class__(__file__).parents[1] / "helpers"))
    command = [sys.executable, "-c", code, str(tree), "-o", str(tmp_path / "out"), "--allow-gaps"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if "SEARCHING" in line:
                break
        time.sleep(0.2)
        process.send_signal(kind)
        process.stdout.read()
    assert process.returncode == 130
    results = [path for path in (tmp_path / "out").iterdir() if path.is_dir()]
    assert len(results) == 1
    assert {path.name for path in results[0].iterdir()} == {"findings.json", "heatmap.nii.gz", "overview.png"}


# -- series -----------------------------------------------------------------------------------------------------------


def test_series_lists_what_is_in_a_folder(tree, run):
    status, out, _ = run("series", tree)
    assert status == 0
    assert ONE in out
    assert "Thorax lung" in out
    assert "100×150" in out
    assert "1 files are part of no series" in out


def test_series_speaks_json_for_machines(tree, run):
    status, out, _ = run("series", tree, "--json")
    content = json.loads(out)
    assert status == 0
    by_uid = {series["series_uid"]: series for series in content["series"]}
    assert by_uid[ONE]["images"] == 12
    assert by_uid[ONE]["spacing_mm"] == pytest.approx([2.5, 1.5, 1.5])
    assert by_uid[ONE]["not_searched_because"] is None
    assert [entry["path"].endswith("notes.txt") for entry in content["skipped"]] == [True]


def test_series_of_nothing_is_an_error(tmp_path, run):
    status, _, err = run("series", tmp_path)
    assert status == 1
    assert "no image series" in err


# -- evaluate ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    """Three scans: two with a nodule, of which one is found, and one without and with a false positive."""
    for uid, candidates in (
        ("1.1", (Candidate((40.0, -15.0, -280.0), 9.0, 0.9),)),
        ("1.2", (Candidate((-40.0, -15.0, -280.0), 9.0, 0.3),)),
        ("1.3", (Candidate((40.0, 0.0, -280.0), 9.0, 0.6),)),
    ):
        report = analyse(make_volume(series_uid=uid), detector=FakeDetector(candidates), threshold=0.1).report
        save_report(report, tmp_path / "out" / uid / "findings.json")
    (tmp_path / "truth.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,diameter_mm,type\n1.1,41,-15,-280,8,solid\n1.2,50,-15,-280,5,ground-glass\n"
    )
    return tmp_path


def test_evaluate_prints_and_writes_the_table(results, run):
    status, out, _ = run(
        "evaluate", "--truth", results / "truth.csv", "--results", results / "out", "-o", results / "e"
    )
    assert status == 0
    assert "3 scans, 2 of them with nodules" in out
    assert "type ground-glass" in out
    content = json.loads((results / "e" / "froc.json").read_text(encoding="utf-8"))
    assert content["scans"] == 3
    overall = content["curves"][0]
    assert (overall["nodules"], overall["found"]) == (2, 1)
    assert overall["sensitivity"] == [0.5] * 7
    assert overall["cpm"] == 0.5
    assert {curve["name"]: curve["found"] for curve in content["curves"] if curve["group"] == "type"} == {
        "solid": 1,
        "ground-glass": 0,
    }
    with (results / "e" / "froc.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert (first["name"], first["cpm"], first["sensitivity_at_4"]) == ("all", "0.5", "0.5")
    with (results / "e" / "nodules.csv").open(encoding="utf-8") as file:
        assert [row["best_score"] for row in csv.DictReader(file)] == ["0.9", ""]
    with (results / "e" / "curve.csv").open(encoding="utf-8") as file:
        assert [float(row["fp_per_scan"]) for row in csv.DictReader(file)] == pytest.approx([0, 0, 1 / 3, 2 / 3])


def test_evaluate_says_where_the_curve_ends_too_early(results, run):
    out = run("evaluate", "--truth", results / "truth.csv", "--results", results / "out")[1]
    assert "The curve ends at 0.667 false positives a scan" in out
    assert "0.1" in out


def test_findings_that_a_reader_rejected_are_not_scored_and_that_is_said(results, run):
    path = results / "out" / "1.3" / "findings.json"
    report = load_report(path)
    save_report(edits.reject(Review(report), [report.findings[0].id], provenance("A")).report, path)
    out = run("evaluate", "--truth", results / "truth.csv", "--results", results / "out", "-o", results / "e")[1]
    content = json.loads((results / "e" / "froc.json").read_text(encoding="utf-8"))
    assert content["curves"][0]["curve_ends_at_fp_per_scan"] == pytest.approx(1 / 3), "the other two scans' marks"
    assert "Readers judged 1 of the findings and rejected 1" in " ".join(out.split())


def test_what_is_excluded_is_no_false_positive(results, run):
    (results / "excluded.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.3,40,0,-280,-1\n")
    run(
        *("evaluate", "--truth", results / "truth.csv", "--results", results / "out"),
        *("--excluded", results / "excluded.csv"),
    )
    content = json.loads((results / "out" / "froc.json").read_text(encoding="utf-8"))
    assert content["curves"][0]["curve_ends_at_fp_per_scan"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("missing", "nodules"), [("missed", 3), ("leave-out", 2)])
def test_a_scan_without_results_is_an_error_unless_stated(results, run, missing, nodules):
    with (results / "truth.csv").open("a") as file:
        file.write("1.9,0,0,0,8,solid\n")
    arguments = ("evaluate", "--truth", results / "truth.csv", "--results", results / "out")
    status, _, err = run(*arguments)
    assert status == 2
    assert "1.9" in err
    status, out, _ = run(*arguments, "--missing", missing)
    assert status == 0
    assert "1 scans of the truth have no results" in out
    content = json.loads((results / "out" / "froc.json").read_text(encoding="utf-8"))
    assert content["curves"][0]["nodules"] == nodules
    assert content["scans_without_results"] == ["1.9"]


def test_results_of_two_models_are_not_mixed(results, run):
    other = analyse(make_volume(series_uid="1.4"), detector=FakeDetector(), threshold=0.5).report
    save_report(other, results / "out" / "1.4" / "findings.json")
    status, _, err = run("evaluate", "--truth", results / "truth.csv", "--results", results / "out")
    assert status == 2
    assert "several models or thresholds" in err


def test_evaluate_draws_plots_and_one_page(results, run):
    run("evaluate", "--truth", results / "truth.csv", "--results", results / "out", "-o", results / "e")
    for name in ("froc", "froc_by_size", "froc_by_type"):
        assert (results / "e" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (results / "e" / f"{name}.svg").read_text(encoding="utf-8")
    page = (results / "e" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3
    assert "type ground-glass" in page
    assert "The curve ends at 0.667 false positives a scan" in page
    assert not re.search(r'(src|href)="(?!#)', page)  # nothing is fetched from elsewhere


def test_evaluate_compares_two_models(results, run):
    for uid, candidates in (
        ("1.1", (Candidate((40.0, -15.0, -280.0), 9.0, 0.9),)),
        ("1.2", (Candidate((50.0, -15.0, -280.0), 9.0, 0.8),)),
        ("1.3", ()),
    ):
        report = analyse(make_volume(series_uid=uid), detector=FakeDetector(candidates), threshold=0.1).report
        save_report(report, results / "better" / uid / "findings.json")
    arguments = ("evaluate", "--truth", results / "truth.csv", "-o", results / "c")
    status, out, _ = run(*arguments, "--compare", results / "out", results / "better")
    assert status == 0
    assert "1 by B only" in out
    content = json.loads((results / "c" / "comparison.json").read_text(encoding="utf-8"))
    cpm = content["differences"][0]
    assert (cpm["name"], cpm["a"], cpm["b"], cpm["difference"]) == ("CPM", 0.5, 1.0, 0.5)
    assert (results / "c" / "comparison.png").is_file()
    status, _, err = run(*arguments, "--compare", results / "out", results / "out")
    assert status == 2
    assert "with itself" in err


def test_evaluate_judges_a_classifier(tmp_path, run):
    (tmp_path / "scores.csv").write_text("label,score\n1,0.9\n1,0.4\n0,0.6\n0,0.1\n0,0.2\n")
    status, out, _ = run(
        "evaluate", "--classification", tmp_path / "scores.csv", "-o", tmp_path / "c", "--bootstraps", "50"
    )
    assert status == 0
    assert "ROC AUC" in out
    content = json.loads((tmp_path / "c" / "classification.json").read_text(encoding="utf-8"))
    assert content["confusion"] == {
        "true_negatives": 2,
        "false_positives": 1,
        "false_negatives": 1,
        "true_positives": 1,
    }
    assert {"roc.png", "precision_recall.svg", "calibration.png", "evaluation.html", "classification.csv"} <= {
        path.name for path in (tmp_path / "c").iterdir()
    }


def test_evaluate_draws_a_training_run(tmp_path, run):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "progress.csv").write_text("step,loss,learning_rate\n1,2.0,0.001\n2,1.5,0.001\n")
    assert run("evaluate", "--run", tmp_path / "run", "-o", tmp_path / "c")[0] == 0
    assert {path.name for path in (tmp_path / "c").iterdir()} == {"training.png", "training.svg"}
    status, _, err = run("evaluate", "--run", tmp_path, "-o", tmp_path / "c")
    assert status == 2
    assert "progress.csv" in err


@pytest.mark.parametrize("text", ["step,loss,learning_rate\nx,2.0,0.001\n", "step,loss\n1,2.0\n", "step,loss\n1\n"])
def test_a_damaged_log_of_a_run_is_an_error_in_words(tmp_path, run, text):
    (tmp_path / "progress.csv").write_text(text)
    status, _, err = run("evaluate", "--run", tmp_path, "-o", tmp_path / "c")
    assert status == 2
    assert "progress.csv" in err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    "arguments", [(), ("--truth",), ("--results",), ("--truth", "--results", "--compare"), ("--excluded",)]
)
def test_evaluate_asks_for_what_belongs_together(results, run, arguments):
    values = {
        "--truth": (results / "truth.csv",),
        "--excluded": (results / "truth.csv",),
        "--results": (results / "out",),
        "--compare": (results / "out", results / "out"),
    }
    status, _, err = run("evaluate", *(part for name in arguments for part in (name, *values[name])))
    assert status == 2
    assert "--truth" in err


def test_a_folder_without_results_is_an_error(results, run):
    status, _, err = run("evaluate", "--truth", results / "truth.csv", "--results", results)
    assert status == 2
    assert "no results" in err


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_without_arguments_the_help_is_shown(run):
    _, out, err = run()
    for command in ("series", "analyse", "evaluate", "models", "train", "phantom", "samples"):
        assert command in out + err


def test_the_version_is_that_of_the_package(run):
    from importlib.metadata import version

    assert run("--version")[1].strip() == version("napari-lesion")


def test_a_damaged_model_is_found_by_verify(tmp_path, run):
    from napari_lesion.models import packages

    (tmp_path / "package").mkdir()
    (tmp_path / "package" / packages.WEIGHTS).write_bytes(b"not the weights")
    (tmp_path / "package" / packages.DESCRIPTION).write_text(
        textwrap.dedent(
            f"""
            id: test
            version: "1"
            task: test
            licence: none
            sha256: {"0" * 64}
            threshold: 0.5
            network: {{name: NoduleNet, width: 8}}
            preprocessing: {{spacing_mm: 1.0, window_hu: [-1000, 400]}}
            training_cases: []
            """
        )
    )
    status, _, err = run("models", "verify", tmp_path / "package")
    assert status == 1
    assert "damaged" in err


def test_the_phantom_is_written_with_its_truth(tmp_path, run, monkeypatch):
    asked = {}

    def make_study(folder, *, seed, progress):
        asked.update(folder=folder, seed=seed)
        return ()

    monkeypatch.setattr("napari_lesion.phantom.make_study", make_study)
    assert run("phantom", tmp_path / "new", "--seed", 7)[0] == 0
    assert asked == {"folder": tmp_path / "new", "seed": 7}


def test_the_real_case_is_described_before_it_is_downloaded(tmp_path, run, monkeypatch):
    asked = []
    monkeypatch.setattr("napari_lesion.samples.describe_real_case", lambda: "LIDC-IDRI-0171: 133 CT images, 70 MB")
    monkeypatch.setattr("napari_lesion.samples.download_real_case", lambda folder, progress: asked.append(folder))

    status, out, _ = run("samples", tmp_path / "case", "--describe")
    assert (status, asked) == (0, [])
    assert "70 MB" in out

    status, out, _ = run("samples", tmp_path / "case")
    assert (status, asked) == (0, [tmp_path / "case"])
    assert "70 MB" in out.splitlines()[0]


def test_training_takes_its_configuration_and_says_where_the_model_is(tmp_path, run, monkeypatch):
    pytest.importorskip("napari_lesion.training.recipes.detector")
    asked = {}

    def train(config, out, *, resume, progress, **folds):
        assert set(folds.values()) == {None}
        asked.update(config=config, out=out, resume=resume)
        return out / "package"

    monkeypatch.setattr("napari_lesion.training.recipes.detector.run", train)
    (tmp_path / "config.yaml").write_text("")
    status, out, _ = run("train", tmp_path / "config.yaml", "-o", tmp_path / "run", "--resume")
    assert status == 0
    assert asked == {"config": tmp_path / "config.yaml", "out": tmp_path / "run", "resume": True}
    assert f"--model {tmp_path / 'run' / 'package'}" in out

"""The file with the nodes: what is wrong is named, and no secret stands in it or comes out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from napari_lesion.pacs.nodes import load_nodes
from napari_lesion.pacs.records import Query, StudyRecord
from napari_lesion.support.errors import ConfigError

GOOD = """
local: {ae_title: LESION, port: 11112}
nodes:
  hospital: {ae_title: PACS, host: pacs.example, port: 104, retrieve: move, commitment: true}
  web: {dicomweb: "https://pacs.example/dicom-web", token: {file: TOKEN}}
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "pacs.yaml"
    path.write_text(text)
    return load_nodes(path)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    nodes = load(tmp_path, GOOD)
    assert (nodes.node("hospital").way, nodes.node("web").way) == ("dimse", "dicomweb")
    with pytest.raises(ConfigError, match="hospital, web"):
        nodes.node("other")


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("{host: a, port: 104}", "ae_title, host and port"),
        ("{}", "how to reach it"),
        ("{ae_title: A_TITLE_THAT_IS_TOO_LONG, host: a, port: 104}", "1 to 16"),
        ("{ae_title: A, host: a, port: 99999}", "65535"),
        ("{dicomweb: 'https://joe:pass@a/b'}", "no name or password stands in a URL"),
        ("{dicomweb: 'http://a/b', token: {keyring: t}}", "use https"),
        ("{dicomweb: 'https://a/b', token: {keyring: t, file: f}}", "one of keyring and file"),
        ("{dicomweb: 'https://a/b', tokn: {keyring: t}}", "tokn"),
        ("{dicomweb: 'https://a/b', prefer: dimse}", "prefers DIMSE"),
        ("{ae_title: A, host: a, port: 104, tls: {certificate: c}}", "come together"),
    ],
)
def test_what_is_wrong_is_named(node: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, f"nodes: {{one: {node}}}")


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not stand here") as error:
        load(tmp_path, "nodes: {web: {dicomweb: 'https://a/b', token: hunter2}}")
    assert "hunter2" not in str(error.value)


def test_a_secret_comes_out_of_a_private_file_only(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    nodes = load(tmp_path, GOOD.replace("TOKEN", str(secret)))
    token = nodes.node("web").token
    assert token is not None
    found = token.reveal()
    assert found.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{found!r} {found} {nodes!r} {nodes.model_dump_json()}"
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        token.reveal()


def test_an_archive_that_leaves_keys_out_of_account_is_sieved() -> None:
    study = StudyRecord("1.2", patient_id="A[1]", date="20240229", modalities=("CT", "SR"), accession="7")
    assert Query(patient_id="A[1]", modality="CT", first_date="20240229", last_date="20240229").fits(study)
    assert Query(patient_id="A*").fits(study)
    for other in ({"patient_id": "A1"}, {"modality": "MR"}, {"first_date": "20240301"}, {"accession": "8"}):
        assert not Query(**other).fits(study)
    assert Query(patient_id="*").is_empty
    with pytest.raises(ConfigError, match="backslash"):
        Query(patient_id="A\\B")


def test_without_the_engine_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["pynetdicom"] = None
from napari_lesion.pacs import engines
from napari_lesion.support.errors import ConfigError
try:
    engines.pynetdicom()
except ConfigError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'napari-lesion[pacs]'" in said


def test_importing_it_brings_no_engine() -> None:
    modules = ("nodes", "records", "dimse", "dicomweb", "retrieve", "send", "archives", "receiver", "listener", "rules")
    code = "".join(f"import napari_lesion.pacs.{name}\n" for name in modules)
    code += "import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    # Not requests: pydicom imports it where it is installed.
    assert not {"pynetdicom", "dicomweb_client", "keyring"} & set(loaded)

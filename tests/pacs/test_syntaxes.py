"""Every transfer syntax that the reader knows, on every way in and out: the pixels are the same bytes."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import numpy as np
import pydicom
import pytest
from dicom_programs import run
from orthanc import PATIENCE_S, Orthanc
from ports import free_port
from pydicom.filebase import DicomBytesIO
from pydicom.uid import UID, ExplicitVRLittleEndian

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.dimse import DimseArchive
from napari_lesion.pacs.nodes import Local, Nodes
from napari_lesion.pacs.receiver import Receiver
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.pacs.send import send
from napari_lesion.pacs.storage import Storage, describe, instances_below
from napari_lesion.pacs.web import Pages, Storing, WebServer

#: JPEG 2000 with its six resolutions needs 32 pixels each way.
PHANTOM = factory.asymmetric_phantom(shape=(1, 40, 32), noise_hu=60)
#: Of DCMTK's storescu, so that it proposes the syntax that a file is in. The others it does not know.
STORESCU = {
    "implicit": "-xi",
    "explicit": "-xe",
    "big-endian": "-xb",
    "deflated": "-xd",
    "rle": "-xr",
    "jpeg-baseline": "-xy",
    "jpeg-extended": "-xx",
    "jpeg-lossless-sv1": "-xs",
    "jpeg-ls": "-xt",
    "jpeg-ls-near": "-xu",
    "jpeg-2000-lossless": "-xv",
    "jpeg-2000": "-xw",
}
#: It proposes the plain syntaxes together, and sends in the one that is accepted.
CONVERTED_BY_DCMSEND = ("implicit", "explicit", "big-endian")
#: Newer than the Orthanc and the DCMTK that Debian has.
UNKNOWN_TO_ORTHANC = {"htj2k-lossless", "htj2k-lossless-rpcl", "htj2k"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By syntax, one slice in it; all of one study, a series each."""
    folder = tmp_path_factory.mktemp("syntaxes")
    made = {}
    for name, syntax in factory.SYNTAXES.items():
        byte = factory.Stored(bits_allocated=8, bits_stored=8, slope=8.0)
        one = factory.ct_slices(PHANTOM, name, byte if name == "jpeg-baseline" else None)[0]
        [path] = factory.write([factory.encode(one, syntax)], folder / name)
        made[name] = path
    return made


def pixels(file: Path | bytes) -> tuple[UID, bytes]:
    """Transfer syntax and pixels as they are stored."""
    found = pydicom.dcmread(DicomBytesIO(file) if isinstance(file, bytes) else file)
    return found.file_meta.TransferSyntaxUID, found.PixelData


def differing(files: dict[str, Path], stored: dict[str, Path] | dict[str, bytes]) -> dict[str, str]:
    """By syntax, what is not as it was sent."""
    wrong = {}
    for name, path in files.items():
        held = stored.get(describe(path).sop_uid)
        if held is None:
            wrong[name] = "did not come"
        elif pixels(held) != pixels(path):
            wrong[name] = f"came as {pixels(held)[0].name}"
    return wrong


@pytest.mark.parametrize("way", ["dimse", "dicomweb"])
def test_sent_as_stored_or_said_to_be_refused(way: str, files: dict[str, Path], orthanc: Orthanc) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc", way)  # type: ignore[arg-type]
    sent = send(archive, instances_below(list(files.values())), new_studies=True)
    held = orthanc.files()
    refused = {name for name, path in files.items() if describe(path).sop_uid in sent.failed}
    assert refused <= UNKNOWN_TO_ORTHANC
    assert set(differing(files, held)) == refused
    assert all("does not take" in why or "did not take" in why for why in sent.failed.values())


@pytest.mark.parametrize(("way", "retrieve_by"), [("dimse", "get"), ("dimse", "move"), ("dicomweb", "get")])
def test_fetched_as_stored(
    way: str, retrieve_by: str, files: dict[str, Path], orthanc: Orthanc, tmp_path: Path
) -> None:
    known = {name: path for name, path in files.items() if name not in UNKNOWN_TO_ORTHANC}
    orthanc.put(list(known.values()))
    archive = open_archive(orthanc.nodes(retrieve=retrieve_by), "orthanc", way)  # type: ignore[arg-type]
    done = retrieve(archive, factory.uid("study"), tmp_path / "fetched")
    came = {one.sop_uid: one.path for one in instances_below([tmp_path / "fetched"])}
    assert differing(known, came) == {}
    assert done.is_complete


@pytest.fixture
def received(tmp_path: Path):
    """A receiver of ours: its port, and what it holds by SOPInstanceUID."""
    storage = Storage(tmp_path / "received")
    local = Local(ae_title="LESION", port=free_port())
    with Receiver(local, ["SENDER"], lambda content, caller: storage.keep(content)):
        yield local.port, lambda: {one.sop_uid: one.path for one in instances_below([tmp_path / "received"])}


def test_received_from_storescu_as_sent(files: dict[str, Path], received) -> None:
    port, held = received
    for name, flag in STORESCU.items():
        status, said = run("storescu", flag, "-aet", "SENDER", "-aec", "LESION", "127.0.0.1", str(port), files[name])
        assert status == 0, f"{name}: {said}"
    assert differing({name: files[name] for name in STORESCU}, held()) == {}


def test_received_from_dcmsend_as_sent(files: dict[str, Path], received) -> None:
    port, held = received
    known = [files[name] for name in STORESCU]
    status, said = run("dcmsend", "-aet", "SENDER", "-aec", "LESION", "-dn", "127.0.0.1", str(port), *known)
    assert status == 0, said
    assert differing({name: files[name] for name in STORESCU if name not in CONVERTED_BY_DCMSEND}, held()) == {}
    for name in CONVERTED_BY_DCMSEND:
        sent, came = pydicom.dcmread(files[name]), pydicom.dcmread(held()[describe(files[name]).sop_uid])
        assert came.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert np.array_equal(came.pixel_array, sent.pixel_array)


def test_received_from_pynetdicom_as_sent(files: dict[str, Path], received, orthanc: Orthanc) -> None:
    """HTJ2K, too: our own sender and receiver know all that the reader knows."""
    port, held = received
    nodes = orthanc.nodes(ae_title="LESION", port=port)
    ours = nodes.model_copy(update={"local": nodes.local.model_copy(update={"ae_title": "SENDER"})})
    archive = DimseArchive("orthanc", ours.node("orthanc"), ours.local)
    archive._confirm = lambda sent, progress: ([one.sop_uid for one in sent], {}, [])  # it is no archive to ask
    sent = archive.store(instances_below(list(files.values())))
    assert sent.failed == {}
    assert differing(files, held()) == {}


def test_received_by_stow_as_sent(files: dict[str, Path], tmp_path: Path) -> None:
    """HTJ2K, too."""
    storage = Storage(tmp_path / "received")
    pages = Pages(storing=Storing(lambda content, _: storage.keep(content), "STOW", None, 2**20))
    port = free_port()
    with WebServer("127.0.0.1", port, pages, timeout_s=PATIENCE_S, connections=5):
        node = {"dicomweb": f"http://127.0.0.1:{port}", "timeout_s": PATIENCE_S}
        archive = WebArchive("us", Nodes.model_validate({"nodes": {"us": node}}).node("us"))
        assert archive._stow(instances_below(list(files.values()))) == {}
    assert differing(files, {one.sop_uid: one.path for one in instances_below([tmp_path / "received"])}) == {}

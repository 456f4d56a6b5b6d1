"""TLS with client certificates, both ways: who has none, or one of another authority, is told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dicom_factory as factory
import pytest
from certificates import make_authority, sign
from orthanc import Orthanc, running
from pacs_studies import slices

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.nodes import Tls
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.support.errors import ConfigError, PacsError


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    folder = tmp_path_factory.mktemp("tls")
    authority = make_authority(folder)
    sign(authority, "server")
    certificate, key = sign(authority, "client")
    tls = Tls(ca=authority[0], certificate=certificate, key=key)
    with running(folder, tls=tls, local_tls=tls) as archive:
        yield archive


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_study_comes_by_tls(way: str, secured: Orthanc, tmp_path: Path) -> None:
    secured.empty()
    secured.put(factory.write(slices(), tmp_path / "source"))
    archive = open_archive(secured.nodes(retrieve=way), "orthanc")
    assert "by TLS" in archive.echo()
    assert retrieve(archive, factory.uid("study"), tmp_path / "fetched").is_complete


def test_a_server_of_another_authority_is_refused(secured: Orthanc, tmp_path: Path) -> None:
    stranger = make_authority(tmp_path, "stranger")
    assert secured.tls is not None
    tls = secured.tls.model_copy(update={"ca": stranger[0]})
    with pytest.raises(PacsError, match="TLS failed"):
        open_archive(secured.nodes(tls=tls.model_dump()), "orthanc").echo()


def test_without_a_certificate_of_ours_nobody_answers(secured: Orthanc) -> None:
    assert secured.tls is not None
    tls = {"ca": str(secured.tls.ca)}
    with pytest.raises(PacsError, match=r"TLS failed|ended the association"):
        open_archive(secured.nodes(tls=tls), "orthanc").echo()


def test_a_key_that_others_may_read_is_not_used(secured: Orthanc, tmp_path: Path) -> None:
    certificate, key = sign(make_authority(tmp_path), "open")
    key.chmod(0o644)
    tls = {"ca": str(certificate), "certificate": str(certificate), "key": str(key)}
    with pytest.raises(ConfigError, match="chmod 600"):
        open_archive(secured.nodes(tls=tls), "orthanc").echo()

"""Models of the user: added and removed as a whole, checked before they are opened, never written elsewhere."""

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
import torch
import yaml

from napari_lesion.detection.registry import card_in, list_models
from napari_lesion.models import packages as packs
from napari_lesion.models import store as library
from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import Cancelled, ModelError

METADATA = packs.Metadata(
    id="mine",
    version="0.1",
    task="nothing",
    licence="Apache-2.0",
    threshold=0.4,
    network=packs.NoduleNetSpec(width=2),
    preprocessing=packs.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
    training_cases=(),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(packs.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pack(tmp_path: Path, home: Path) -> Path:
    torch.manual_seed(0)
    packs.save_pack(tmp_path / "made", NoduleNet(width=2).state_dict(), METADATA, "# Mine\n")
    return tmp_path / "made"


def zipped(folder: Path, out: Path, top: str = "mine/") -> Path:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, top + path.name)
    return out


def left_behind(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("*")) if home.exists() else []


@pytest.mark.parametrize("form", ["folder", "zip", "zip without a folder"])
def test_an_added_pack_is_found_by_its_id(pack, home, tmp_path, form):
    source = pack if form == "folder" else zipped(pack, tmp_path / "a.zip", "mine/" if form == "zip" else "")
    assert library.add(source, card_in) == "mine"
    assert packs.find_pack("mine").metadata == packs.read_pack(pack).metadata
    assert [card.id for card in list_models()] == ["nodule-2d", "nodule-3d", "mine"]
    assert library.read_origin(home / "mine").source == str(source)
    library.verify(home / "mine")
    assert left_behind(home) == ["mine"]


def test_what_file_managers_leave_in_a_zip_does_not_matter(pack, home, tmp_path):
    source = zipped(pack, tmp_path / "a.zip")
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("__MACOSX/mine/._model.yaml", b"?")
        archive.writestr(".DS_Store", b"?")
    assert library.add(source, card_in) == "mine"
    assert sorted(p.name for p in (home / "mine").iterdir()) == [
        "card.md",
        "model.yaml",
        "origin.json",
        "weights.safetensors",
    ]


def test_tampered_weights_are_not_added(pack, home):
    content = bytearray((pack / packs.WEIGHTS).read_bytes())
    content[-1] ^= 1
    (pack / packs.WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged or has been changed.*not opened"):
        library.add(pack, card_in)
    assert left_behind(home) == []


def test_truncated_weights_are_not_added(pack, home):
    os.truncate(pack / packs.WEIGHTS, 1000)
    with pytest.raises(ModelError, match="damaged or has been changed"):
        library.add(pack, card_in)
    assert left_behind(home) == []


def test_a_truncated_zip_is_not_added(pack, home, tmp_path):
    source = zipped(pack, tmp_path / "a.zip")
    os.truncate(source, source.stat().st_size // 2)
    with pytest.raises(ModelError, match="the zip is damaged"):
        library.add(source, card_in)
    assert left_behind(home) == []


def test_a_zip_with_a_damaged_member_is_not_added(pack, home, tmp_path):
    source = zipped(pack, tmp_path / "a.zip")
    with zipfile.ZipFile(source) as archive:
        start = archive.getinfo(f"mine/{packs.WEIGHTS}").header_offset
    content = bytearray(source.read_bytes())
    content[start + 200 : start + 260] = bytes(60)
    source.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        library.add(source, card_in)
    assert left_behind(home) == []


@pytest.mark.parametrize(
    "name", ["../model.yaml", "/model.yaml", "mine/../../model.yaml", "..\\model.yaml", "C:x.yaml"]
)
def test_a_zip_that_leads_out_of_its_folder_is_refused(pack, home, tmp_path, name):
    source = zipped(pack, tmp_path / "a.zip")
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"id: evil")
    with pytest.raises(ModelError, match="leads out of its folder"):
        library.add(source, card_in)
    assert left_behind(home) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path != home) == ["a.zip", "made"]


def test_a_link_in_a_zip_is_refused(pack, home, tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.write(pack / packs.DESCRIPTION, packs.DESCRIPTION)
        archive.write(pack / packs.CARD, packs.CARD)
        link = zipfile.ZipInfo(packs.WEIGHTS)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(pack / packs.WEIGHTS))
    with pytest.raises(ModelError, match="is a link"):
        library.add(source, card_in)
    assert left_behind(home) == []


def test_a_zip_that_fills_the_disk_is_refused(pack, home, tmp_path, monkeypatch):
    monkeypatch.setattr(library, "_LARGEST", 10_000)
    with pytest.raises(ModelError, match="holds more than"):
        library.add(zipped(pack, tmp_path / "a.zip"), card_in)
    assert left_behind(home) == []


def test_a_name_twice_in_a_zip_is_refused(pack, home, tmp_path):
    source = zipped(pack, tmp_path / "a.zip")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(source, "a") as archive:
        archive.writestr(f"mine/{packs.DESCRIPTION}", b"id: evil")
    with pytest.raises(ModelError, match="in it twice"):
        library.add(source, card_in)


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".hidden", "x" * 65])
def test_an_id_that_is_no_name_of_a_folder_is_refused(pack, home, name):
    path = pack / packs.DESCRIPTION
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"id": name}))
    with pytest.raises(ModelError, match=r"model\.yaml: id: "):
        library.add(pack, card_in)
    assert left_behind(home) == []


def test_an_id_that_is_taken_is_refused_unless_it_shall_be_replaced(pack, home, tmp_path):
    library.add(pack, card_in)
    packs.save_pack(
        pack, NoduleNet(width=2).state_dict(), METADATA.model_copy(update={"version": "0.2"}), "# Mine, again\n"
    )
    with pytest.raises(ModelError, match="Remove it first"):
        library.add(pack, card_in)
    assert packs.find_pack("mine").metadata.version == "0.1"
    library.add(pack, card_in, replace=True)
    assert packs.find_pack("mine").metadata.version == "0.2"


def test_the_id_of_a_shipped_model_is_taken(pack, home):
    path = pack / packs.DESCRIPTION
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"id": "nodule-3d"}))
    with pytest.raises(ModelError, match="comes with napari-lesion"):
        library.add(pack, card_in, replace=True)


def test_a_pack_without_a_card_is_not_whole(pack, home):
    (pack / packs.CARD).unlink()
    with pytest.raises(ModelError, match=r"card\.md is missing"):
        library.add(pack, card_in)


def test_a_folder_of_something_else_is_no_model(home, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(ModelError, match="is no model"):
        library.add(tmp_path / "other", card_in)


def test_cancelled_nothing_is_added(pack, home):
    def stop(done: int, total: int, what: str) -> None:
        if done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        library.add(pack, card_in, progress=stop)
    assert left_behind(home) == []


def test_a_change_after_adding_is_noticed(pack, home):
    library.add(pack, card_in)
    with (home / "mine" / packs.CARD).open("a") as card:
        card.write("CPM 1.0\n")
    with pytest.raises(ModelError, match=r"card\.md is damaged or has been changed since it was added"):
        library.verify(home / "mine")


def test_a_damaged_origin_is_noticed(pack, home):
    library.add(pack, card_in)
    (home / "mine" / library.ORIGIN).write_text("{")
    with pytest.raises(ModelError, match="is damaged"):
        library.verify(home / "mine")


def test_a_damaged_added_model_does_not_hide_the_others(pack, home, caplog):
    library.add(pack, card_in)
    (home / "mine" / packs.DESCRIPTION).write_text("id: [")
    assert [card.id for card in list_models()] == ["nodule-2d", "nodule-3d"]
    assert "mine is left out" in caplog.text


def test_only_added_models_are_removed(pack, home):
    library.add(pack, card_in)
    assert library.remove("mine") == home / "mine"
    assert left_behind(home) == []
    for name in ("nodule-3d", str(pack)):
        with pytest.raises(ModelError, match="is not removed"):
            library.remove(name)
    with pytest.raises(ModelError, match="There is no model"):
        library.remove("mine")
    assert (pack / packs.WEIGHTS).is_file()


def test_an_exported_zip_can_be_added_elsewhere(pack, home, tmp_path, monkeypatch):
    library.add(pack, card_in)
    out = library.export("mine", tmp_path / "mine.zip")
    assert out.read_bytes() == library.export(pack, tmp_path / "again" / "made.zip").read_bytes().replace(
        b"made/", b"mine/"
    )
    monkeypatch.setenv(packs.HOME_VARIABLE, str(tmp_path / "other"))
    library.add(out, card_in)
    assert packs.find_pack("mine").metadata == packs.read_pack(pack).metadata


def test_an_exported_folder_holds_the_pack_and_nothing_else(pack, home, tmp_path):
    library.add(pack, card_in)
    library.export("mine", tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in pack.iterdir()
    }


def test_export_overwrites_nothing_and_refuses_damaged_weights(pack, home, tmp_path):
    with pytest.raises(ModelError, match="exists"):
        library.export(pack, tmp_path)
    os.truncate(pack / packs.WEIGHTS, 1000)
    with pytest.raises(ModelError, match="damaged"):
        library.export(pack, tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()


def test_the_origin_is_plain_json(pack, home):
    library.add(pack, card_in)
    content = json.loads((home / "mine" / library.ORIGIN).read_text())
    assert content["sha256"][packs.WEIGHTS] == packs.read_pack(pack).metadata.sha256

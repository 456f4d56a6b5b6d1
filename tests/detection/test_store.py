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
from napari_lesion.models import package_metadata, packages, store
from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import Cancelled, ModelError

METADATA = package_metadata.Metadata(
    id="mine",
    version="0.1",
    task="nothing",
    licence="Apache-2.0",
    threshold=0.4,
    network=package_metadata.NoduleNetSpec(width=2),
    preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
    training_cases=(),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def package(tmp_path: Path, home: Path) -> Path:
    torch.manual_seed(0)
    packages.save_package(tmp_path / "made", NoduleNet(width=2).state_dict(), METADATA, "# Mine\n")
    return tmp_path / "made"


def zipped(folder: Path, out: Path, top: str = "mine/") -> Path:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.iterdir():
            archive.write(path, top + path.name)
    return out


def left_behind(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("*")) if home.exists() else []


@pytest.mark.parametrize("form", ["folder", "zip", "zip without a folder"])
def test_an_added_package_is_found_by_its_id(package, home, tmp_path, form):
    source = package if form == "folder" else zipped(package, tmp_path / "a.zip", "mine/" if form == "zip" else "")
    assert store.add(source, card_in) == "mine"
    assert packages.find_package("mine").metadata == packages.read_package(package).metadata
    assert [card.id for card in list_models()] == ["nodule-2d", "nodule-3d", "mine"]
    assert store.read_origin(home / "mine").source == str(source)
    store.verify(home / "mine")
    assert left_behind(home) == ["mine"]


def test_what_file_managers_leave_in_a_zip_does_not_matter(package, home, tmp_path):
    source = zipped(package, tmp_path / "a.zip")
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("__MACOSX/mine/._model.yaml", b"?")
        archive.writestr(".DS_Store", b"?")
    assert store.add(source, card_in) == "mine"
    assert sorted(p.name for p in (home / "mine").iterdir()) == [
        "card.md",
        "model.yaml",
        "origin.json",
        "weights.safetensors",
    ]


def test_tampered_weights_are_not_added(package, home):
    content = bytearray((package / packages.WEIGHTS).read_bytes())
    content[-1] ^= 1
    (package / packages.WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged or has been changed.*not opened"):
        store.add(package, card_in)
    assert left_behind(home) == []


def test_truncated_weights_are_not_added(package, home):
    os.truncate(package / packages.WEIGHTS, 1000)
    with pytest.raises(ModelError, match="damaged or has been changed"):
        store.add(package, card_in)
    assert left_behind(home) == []


def test_a_truncated_zip_is_not_added(package, home, tmp_path):
    source = zipped(package, tmp_path / "a.zip")
    os.truncate(source, source.stat().st_size // 2)
    with pytest.raises(ModelError, match="the zip is damaged"):
        store.add(source, card_in)
    assert left_behind(home) == []


def test_a_zip_with_a_damaged_member_is_not_added(package, home, tmp_path):
    source = zipped(package, tmp_path / "a.zip")
    with zipfile.ZipFile(source) as archive:
        start = archive.getinfo(f"mine/{packages.WEIGHTS}").header_offset
    content = bytearray(source.read_bytes())
    content[start + 200 : start + 260] = bytes(60)
    source.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        store.add(source, card_in)
    assert left_behind(home) == []


@pytest.mark.parametrize(
    "name", ["../model.yaml", "/model.yaml", "mine/../../model.yaml", "..\\model.yaml", "C:x.yaml"]
)
def test_a_zip_that_leads_out_of_its_folder_is_refused(package, home, tmp_path, name):
    source = zipped(package, tmp_path / "a.zip")
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"id: evil")
    with pytest.raises(ModelError, match="leads out of its folder"):
        store.add(source, card_in)
    assert left_behind(home) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path != home) == ["a.zip", "made"]


def test_a_link_in_a_zip_is_refused(package, home, tmp_path):
    source = tmp_path / "a.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.write(package / packages.DESCRIPTION, packages.DESCRIPTION)
        archive.write(package / packages.CARD, packages.CARD)
        link = zipfile.ZipInfo(packages.WEIGHTS)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(package / packages.WEIGHTS))
    with pytest.raises(ModelError, match="is a link"):
        store.add(source, card_in)
    assert left_behind(home) == []


def test_a_zip_that_fills_the_disk_is_refused(package, home, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "LARGEST", 10_000)
    with pytest.raises(ModelError, match="holds more than"):
        store.add(zipped(package, tmp_path / "a.zip"), card_in)
    assert left_behind(home) == []


def test_a_name_twice_in_a_zip_is_refused(package, home, tmp_path):
    source = zipped(package, tmp_path / "a.zip")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(source, "a") as archive:
        archive.writestr(f"mine/{packages.DESCRIPTION}", b"id: evil")
    with pytest.raises(ModelError, match="in it twice"):
        store.add(source, card_in)


@pytest.mark.parametrize("name", ["../mine", "a/b", "", ".hidden", "x" * 65])
def test_an_id_that_is_no_name_of_a_folder_is_refused(package, home, name):
    path = package / packages.DESCRIPTION
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"id": name}))
    with pytest.raises(ModelError, match=r"model\.yaml: id: "):
        store.add(package, card_in)
    assert left_behind(home) == []


def test_an_id_that_is_taken_is_refused_unless_it_shall_be_replaced(package, home, tmp_path):
    store.add(package, card_in)
    packages.save_package(
        package, NoduleNet(width=2).state_dict(), METADATA.model_copy(update={"version": "0.2"}), "# Mine, again\n"
    )
    with pytest.raises(ModelError, match="Remove it first"):
        store.add(package, card_in)
    assert packages.find_package("mine").metadata.version == "0.1"
    store.add(package, card_in, replace=True)
    assert packages.find_package("mine").metadata.version == "0.2"


def test_the_id_of_a_shipped_model_is_taken(package, home):
    path = package / packages.DESCRIPTION
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"id": "nodule-3d"}))
    with pytest.raises(ModelError, match="comes with napari-lesion"):
        store.add(package, card_in, replace=True)


def test_a_package_without_a_card_is_not_whole(package, home):
    (package / packages.CARD).unlink()
    with pytest.raises(ModelError, match=r"card\.md is missing"):
        store.add(package, card_in)


def test_a_folder_of_something_else_is_no_model(home, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(ModelError, match="is no model"):
        store.add(tmp_path / "other", card_in)


def test_cancelled_nothing_is_added(package, home):
    def stop(done: int, total: int, what: str) -> None:
        if done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        store.add(package, card_in, progress=stop)
    assert left_behind(home) == []


def test_a_change_after_adding_is_noticed(package, home):
    store.add(package, card_in)
    with (home / "mine" / packages.CARD).open("a") as card:
        card.write("CPM 1.0\n")
    with pytest.raises(ModelError, match=r"card\.md is damaged or has been changed since it was added"):
        store.verify(home / "mine")


def test_a_damaged_origin_is_noticed(package, home):
    store.add(package, card_in)
    (home / "mine" / store.ORIGIN).write_text("{")
    with pytest.raises(ModelError, match="is damaged"):
        store.verify(home / "mine")


def test_a_damaged_added_model_does_not_hide_the_others(package, home, caplog):
    store.add(package, card_in)
    (home / "mine" / packages.DESCRIPTION).write_text("id: [")
    assert [card.id for card in list_models()] == ["nodule-2d", "nodule-3d"]
    assert "mine is left out" in caplog.text


def test_only_added_models_are_removed(package, home):
    store.add(package, card_in)
    assert store.remove("mine") == home / "mine"
    assert left_behind(home) == []
    for name in ("nodule-3d", str(package)):
        with pytest.raises(ModelError, match="is not removed"):
            store.remove(name)
    with pytest.raises(ModelError, match="There is no model"):
        store.remove("mine")
    assert (package / packages.WEIGHTS).is_file()


def test_an_exported_zip_can_be_added_elsewhere(package, home, tmp_path, monkeypatch):
    store.add(package, card_in)
    out = store.export("mine", tmp_path / "mine.zip")
    assert out.read_bytes() == store.export(package, tmp_path / "again" / "made.zip").read_bytes().replace(
        b"made/", b"mine/"
    )
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "other"))
    store.add(out, card_in)
    assert packages.find_package("mine").metadata == packages.read_package(package).metadata


def test_an_exported_folder_holds_the_package_and_nothing_else(package, home, tmp_path):
    store.add(package, card_in)
    store.export("mine", tmp_path / "out")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in package.iterdir()
    }


def test_export_overwrites_nothing_and_refuses_damaged_weights(package, home, tmp_path):
    with pytest.raises(ModelError, match="exists"):
        store.export(package, tmp_path)
    os.truncate(package / packages.WEIGHTS, 1000)
    with pytest.raises(ModelError, match="damaged"):
        store.export(package, tmp_path / "mine.zip")
    assert not (tmp_path / "mine.zip").exists()


def test_the_origin_is_plain_json(package, home):
    store.add(package, card_in)
    content = json.loads((home / "mine" / store.ORIGIN).read_text())
    assert content["sha256"][packages.WEIGHTS] == packages.read_package(package).metadata.sha256

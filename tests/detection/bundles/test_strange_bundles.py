"""Bundles of strangers: whatever is in them is answered with a sentence that helps, and nothing outside is touched."""

import copy
import json
import os
import random
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from detection_bundle import METADATA, inference_config, write_bundle
from strange_bundle import ABOUT, SEGMENTATION
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.detection.monai_bundles.bundle import read_bundle
from napari_lesion.detection.monai_bundles.config import BundleConfig
from napari_lesion.detection.monai_bundles.config_file import read_config
from napari_lesion.detection.monai_bundles.load import load_bundle
from napari_lesion.detection.registry import card_in
from napari_lesion.models.packages import HOME_VARIABLE
from napari_lesion.models.store import add
from napari_lesion.support.errors import LesionError, ModelError, UntrustedCodeError


def make(folder: Path, *, about: Any = None, config: Any = None) -> Path:
    """Write a bundle without weights that fit; text is written as it is."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    for name, content in (("metadata", ABOUT if about is None else about), ("inference", config or SEGMENTATION)):
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "configs" / f"{name}.json").write_text(text)
    torch.save({}, folder / "models" / "model.pt")
    return folder


def changed(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(content), **changes}


def value(raw: dict[str, Any], tmp_path: Path = Path("nowhere")) -> Any:
    return BundleConfig(raw, tmp_path / "configs" / "inference.json").value("asked")


JUNK = {"null": None, "text": "CT", "number": 7, "list": [1, "a"], "true": True, "table": {"a": {"b": None}}}
FORMAT = ABOUT["network_data_format"]
PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "network_data_format": lambda junk: changed(ABOUT, network_data_format=junk),
    "eval_metrics": lambda junk: changed(ABOUT, eval_metrics=junk),
    "inputs": lambda junk: changed(ABOUT, network_data_format={**FORMAT, "inputs": junk}),
    "outputs": lambda junk: changed(ABOUT, network_data_format={**FORMAT, "outputs": junk}),
    "an input": lambda junk: changed(ABOUT, network_data_format={**FORMAT, "inputs": {"image": junk}}),
    "an output": lambda junk: changed(ABOUT, network_data_format={**FORMAT, "outputs": {"pred": junk}}),
    "channel_def": lambda junk: changed(
        ABOUT, network_data_format={**FORMAT, "outputs": {"pred": {"num_channels": 2, "channel_def": junk}}}
    ),
    "num_channels": lambda junk: changed(
        ABOUT, network_data_format={**FORMAT, "outputs": {"pred": {"num_channels": junk}}}
    ),
    "task": lambda junk: changed(ABOUT, task=junk),
    "version": lambda junk: changed(ABOUT, version=junk),
    "license": lambda junk: changed(ABOUT, license=junk),
    "everything": lambda junk: junk,
}


@pytest.mark.parametrize("place", PLACES)
def test_metadata_of_any_type_is_used_or_refused_by_its_name(place: str, tmp_path: Path) -> None:
    for name, junk in JUNK.items():
        content = PLACES[place](junk)
        folder = make(tmp_path / name, about="null" if content is None else content)
        with pytest.raises(ModelError, match=r"(?s)(metadata|do not fit|does not say|segmentation bundles).*\.$"):
            load_bundle(folder)


def test_null_and_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="network_data_format is null, where a table is expected"):
        read_bundle(make(tmp_path / "a", about=PLACES["network_data_format"](None)))
    with pytest.raises(ModelError, match="eval_metrics is text, where a table is expected"):
        read_bundle(make(tmp_path / "b", about=PLACES["eval_metrics"]("Dice 0.9")))
    with pytest.raises(ModelError, match="channel_def"):
        read_bundle(make(tmp_path / "c", about=PLACES["channel_def"]({"first": "lung"})))


def test_the_command_line_says_it_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    folder = make(tmp_path / "a", about=PLACES["network_data_format"](None))
    for command in (["models", "add", str(folder)], ["models", "show", str(folder)]):
        result = CliRunner().invoke(app, command)
        assert result.exit_code in (1, 2)
        assert isinstance(result.exception, SystemExit | LesionError)
        assert not (tmp_path / "home" / "a").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"_target_": "AddChanneld", "keys": "image"}, "EnsureChannelFirstd took its place"),
        ({"_target_": "monai.transforms.AsChannelFirstd", "keys": "image"}, "EnsureChannelFirstd took its place"),
        ({"_target_": "monai.transforms.NoSuchThing"}, "has no monai.transforms.NoSuchThing"),
        ({"_target_": "NoSuchThing"}, "has no NoSuchThing"),
        ({"_target_": "torch.nn.NoSuchThing"}, "torch has no"),
        ({"_target_": "scripts.gone.Net"}, "gone.py is missing in the bundle"),
        ({"_target_": "no_such_package.Net"}, "no_such_package, which is not installed"),
        ({"_target_": "a..b"}, "no name of a module"),
        ({"_target_": ""}, "no name of a class"),
        ("$monai.networks.nets.NoSuchThing(1)", "has no monai.networks.nets.NoSuchThing"),
        ("$no_such_name(1)", "names no_such_name, which neither"),
        ("$1 +", "no expression of Python"),
        ("$import os", "no expression of Python"),
    ],
    ids=str,
)
def test_what_is_not_there_is_said_without_advice_that_cannot_help(asked: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words) as refused:
        value({"asked": asked})
    assert not isinstance(refused.value, UntrustedCodeError)
    assert "trust" not in str(refused.value)


def test_with_trust_what_is_not_there_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "broken_net.py").write_text("def (")
    for asked in ("AddChanneld", "scripts.broken_net.Net", "nothing.at.All"):
        raw = {"asked": {"_target_": asked}}
        with pytest.raises(ModelError):
            BundleConfig(raw, tmp_path / "configs" / "inference.json", trust_code=True).value("asked")


def test_each_trusted_bundle_runs_its_own_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, count in (("first", 1), ("second", 2), ("first", 1)):
        folder = tmp_path / name
        if not folder.exists():
            make(folder)
            (folder / "scripts").mkdir()
            (folder / "scripts" / "__init__.py").touch()
            (folder / "scripts" / "own.py").write_text(f"def number():\n    return {count}\n")
        config = read_bundle(folder, trust_code=True).config
        assert config.build({"_target_": "scripts.own.number"}) == count
    for module in [name for name in sys.modules if name.partition(".")[0] == "scripts"]:
        del sys.modules[module]


def test_a_bundle_of_torchscript_alone_says_what_is_missing(tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    (folder / "models" / "model.pt").rename(folder / "models" / "model.ts")
    with pytest.raises(ModelError, match=r"only as model\.ts, a program.* models/model\.pt"):
        read_bundle(folder)


@pytest.mark.parametrize(
    "asked",
    [
        {"_target_": "EfficientNetBN", "model_name": "efficientnet-b0", "pretrained": True},
        "$monai.networks.nets.EfficientNetBN('efficientnet-b0', True)",
        {"_target_": "HoVerNet", "pretrained_url": "https://example.org/w.pt"},
        {"_target_": "Transchex", "in_channels": 3, "img_size": [32, 32]},
    ],
    ids=str,
)
def test_no_untrusted_bundle_downloads(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
    with pytest.raises(ModelError):
        value({"asked": asked})


def test_a_network_that_downloads_by_default_is_built_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
    network = value({"asked": {"_target_": "EfficientNetBN", "model_name": "efficientnet-b0", "spatial_dims": 2}})
    assert type(network).__name__ == "EfficientNetBN"


class Curious(torch.nn.Module):
    """A class that the list of harmless ones lets through by mistake."""

    def __init__(self, does: str, target: str) -> None:
        super().__init__()
        if does == "read":
            Path(target).read_text()
        elif does == "write":
            Path(target).write_text("x")
        elif does == "delete":
            Path(target).unlink()
        elif does == "connect":
            socket.create_connection(("127.0.0.1", 9))
        else:
            os.system(target)


@pytest.mark.parametrize("does", ["read", "write", "delete", "connect", "run"])
def test_what_a_class_opens_while_it_is_built_is_stopped(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    monkeypatch.setattr("napari_lesion.detection.monai_bundles.config.find_target", lambda *_: Curious)
    raw = {"asked": {"_target_": "Curious", "does": does, "target": str(secret)}}
    with pytest.raises(UntrustedCodeError, match="may open no file and no connection"):
        value(raw)
    assert secret.read_text() == "secret"  # outside, everything is as it was


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"a": "secret"}')
    for number, path in enumerate((f"{tmp_path}/secret.json", "../secret.json", "configs/../../secret.json")):
        folder = make(tmp_path / str(number), config=changed(SEGMENTATION, other=f"%{path}::a"))
        with pytest.raises(ModelError, match="outside the bundle's folder") as refused:
            read_bundle(folder)
        assert "trust" not in str(refused.value)
    for name in ("configs/metadata.json", "configs/inference.json", "LICENSE"):
        folder = make(tmp_path / name.replace("/", "-"))
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(tmp_path / "secret.json")
        with pytest.raises(ModelError, match="leads out of"):
            read_bundle(folder)


def test_nothing_outside_the_folder_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    (tmp_path / "secret").write_text("secret")
    folder = make(tmp_path / "b")
    (folder / "docs").mkdir()
    (folder / "docs" / "README.md").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelError, match="leads out of"):
        add(folder, card_in)
    assert not (tmp_path / "home" / "b").exists()


def test_files_of_the_bundle_are_included_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path / "b", config=changed(SEGMENTATION, a="%configs/more.yaml::net", b={"c": 1, "d": "@##a::n"}))
    (folder / "configs" / "more.yaml").write_text("net: {n: 3}")
    monkeypatch.chdir(tmp_path)
    config = read_config(folder / "configs" / "inference.json")
    assert config.value("a") == {"n": 3}
    assert config.value("b") == {"c": 1, "d": 3}


LISTS = {"a0": list(range(1000)), **{f"a{n}": f"$@a{n - 1} + @a{n - 1}" for n in range(1, 60)}}
NESTS = {"a0": list(range(1000)), **{f"a{n}": [f"@a{n - 1}"] * 2 for n in range(1, 60)}}
NUMBERS = {"a0": 10**9, **{f"a{n}": f"$@a{n - 1} * @a{n - 1}" for n in range(1, 60)}}
LONG = {"a0": 1, **{f"a{n}": f"@a{n - 1}" for n in range(1, 5000)}}


@pytest.mark.parametrize(
    "raw",
    [
        {"asked": "$[0] * 10000000000"},
        {"asked": "$'a' * 10000000000"},
        {"asked": "$9 ** 9 ** 9 ** 9"},
        {"asked": "$'%10000000000d' % 1"},
        {"asked": "$round(1, -10000000000)"},
        {"asked": "$sum([[1] * 1000] * 1000, [])"},
        {"asked": "$" + "-" * 100_000 + "1"},
        {"asked": "$" + "(" * 300 + "1" + ")" * 300},
        {"asked": "$" + "+".join("1" * 1000)},
        {"asked": "$[" + "[" * 80 + "]" * 81},
        {"asked": "$1\0"},
        {**LISTS, "asked": "@a59"},
        {**NESTS, "asked": "@a59"},
        {**NUMBERS, "asked": "@a59"},
        {**LONG, "asked": "@a4999"},
        {"asked": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 1, "channels": [4096] * 2}},
        {"asked": {"_target_": "torch.nn.Linear", "in_features": 10**6, "out_features": 10**6}},
        {
            "asked": {
                "_target_": "DenseNet",
                "spatial_dims": 3,
                "in_channels": 1,
                "out_channels": 1,
                "block_config": [10**6],
            }
        },
        {"asked": {"_target_": "SlidingWindowInferer", "roi_size": [2000] * 3}},
        {"asked": {"_target_": "Spacingd", "keys": "image", "pixdim": [1e-6] * 3}},
        {"asked": {"_target_": "SpatialPadd", "keys": "image", "spatial_size": 10**9}},
    ],
    ids=lambda raw: str(raw["asked"])[:40],
)
def test_nothing_grows_beyond_bounds(raw: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        value(raw)


def test_aliases_and_includes_do_not_grow_either(tmp_path: Path) -> None:
    folder = make(tmp_path / "b")
    (folder / "configs" / "inference.json").write_text(
        json.dumps({"a0": [1] * 10, **{f"a{n}": [f"%a{n - 1}"] * 10 for n in range(1, 12)}})
    )
    with pytest.raises(ModelError, match="again and again"):
        read_bundle(folder)
    (folder / "configs" / "inference.json").unlink()
    bomb = "a0: &a0 [1, 1, 1, 1, 1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    for text in (bomb, "[" * 5000, "a: &a {b: *a}", "? [1]\n: 1", "1: {2: 3}", "- 1", ""):
        (folder / "configs" / "inference.yaml").write_text(text)
        with pytest.raises(ModelError):
            load_bundle(folder)


STRANGE = (None, True, 0, -1, 7, 10**12, 0.5, "", "x", "@", "@network", "$@device", "$[1] * 9", "%a", "\ud800", [], {})
STRANGE_OBJECTS = ([[[]]], {"_target_": "UNet"}, {"_target_": None}, {"_disabled_": "@x"}, {1: 2}, ["a"] * 50)


def mutant(content: Any, chance: random.Random) -> Any:
    """A copy with one to three places changed: taken out, doubled, or made something else."""
    content = copy.deepcopy(content)
    for _ in range(chance.randint(1, 3)):
        spots: list[tuple[Any, Any]] = []
        todo = [content]
        while todo:
            part = todo.pop()
            keys = list(part) if isinstance(part, dict) else range(len(part))
            spots += [(part, key) for key in keys]
            todo += [part[key] for key in keys if isinstance(part[key], dict | list)]
        if not spots:
            break
        part, key = chance.choice(spots)
        kind = chance.random()
        if kind < 0.2:
            del part[key]
        elif kind < 0.3 and isinstance(part[key], str) and part[key]:
            place = chance.randrange(len(part[key]))
            part[key] = part[key][:place] + chance.choice("$@%:#()[]. \0é") + part[key][place + 1 :]
        else:
            part[key] = copy.deepcopy(chance.choice(STRANGE + STRANGE_OBJECTS))
    return content


def test_mutants_are_loaded_or_refused_by_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as NAPARI_LESION_MUTANTS says; a few in CI."""
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
    chance = random.Random(int(os.environ.get("NAPARI_LESION_SEED", "1")))
    kinds = ((ABOUT, SEGMENTATION), (METADATA, inference_config(network="resnet10(", window=(32, 32, 16))))
    for number in range(int(os.environ.get("NAPARI_LESION_MUTANTS", "120"))):
        about, config = kinds[number % 8 == 0]
        about = mutant(about, chance) if number % 3 == 0 else about
        config = mutant(config, chance) if number % 3 else config
        folder = write_bundle(tmp_path / "b", config, {})
        (folder / "configs" / "metadata.json").write_text(json.dumps(about))
        shown = f"{json.dumps(about)}\n{json.dumps(config)}"
        try:
            load_bundle(folder)
        except LesionError as error:
            sentence = str(error)
        except Exception as error:
            pytest.fail(f"{type(error).__name__}: {error}\n{shown}")
        else:
            pytest.fail(f"weights that do not fit were taken\n{shown}")
        assert sentence.endswith("."), f"{sentence}\n{shown}"

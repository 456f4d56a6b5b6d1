"""Signed models: whatever is changed after signing is refused in a sentence, and nothing of it is opened."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from napari_lesion.cli.main import main
from napari_lesion.detection.registry import card_in
from napari_lesion.models import package_metadata, packages, store
from napari_lesion.security import signing
from napari_lesion.support.errors import ConfigError, ModelError

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


class Case:
    """A package, a key, and the settings."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "config" / "security.yaml"
        self.settings.parent.mkdir()
        self.require(False)
        self.key = folder / "keys" / "alice.pem"
        self.public = signing.make_key(self.key)
        self.package = packages.write_package(folder / "mine", b"weights" * 20, METADATA, "# Mine\n")
        self.folder = self.package.folder

    def require(self, wanted: bool) -> None:
        self.settings.write_text(f"models: {{require_signature: {str(wanted).lower()}}}\n", encoding="utf-8")

    def signed(self) -> Case:
        signing.trust(self.public)
        store.sign(self.folder, self.key)
        self.require(True)
        return self


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(tmp_path / "config" / "security.yaml"))
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    return Case(tmp_path)


def test_unsigned_models_load_unless_a_signature_is_asked_for(case: Case) -> None:
    assert packages.verify(case.package)
    case.require(True)
    with pytest.raises(ModelError, match="model mine: it is not signed"):
        packages.verify(case.package)


def test_a_signed_model_loads_and_says_by_whom(case: Case) -> None:
    assert packages.verify(case.signed().package)
    assert store.check_signature(case.folder).name == "alice"


def test_models_that_come_with_the_program_need_no_signature(case: Case) -> None:
    case.require(True)
    assert packages.verify(packages.find_package("nodule-2d"))


def test_a_key_that_nobody_trusts_is_named(case: Case) -> None:
    store.sign(case.folder, case.key)
    assert packages.verify(case.package)
    case.require(True)
    with pytest.raises(ModelError, match=r"signed by the key [0-9a-f]{16}, which is not trusted"):
        packages.verify(case.package)


@pytest.mark.parametrize("required", [False, True])
def test_every_byte_of_every_file_is_signed(case: Case, required: bool) -> None:
    case.signed().require(required)
    for name in packages.FILES:
        path = case.folder / name
        content = path.read_bytes()
        for place in range(0, len(content), 7):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(ModelError, match=f"{name} was changed after alice had signed it"):
                packages.check_signature(case.folder)
        path.write_bytes(content)
    assert packages.verify(case.package)


def test_every_byte_of_the_signature_counts(case: Case) -> None:
    path = case.signed().folder / signing.SIGNATURE
    content = path.read_bytes()
    said = json.loads(content)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            packages.check_signature(case.folder)
        except ModelError:
            continue
        assert json.loads(path.read_bytes()) == said, f"byte {place} matters not, and it should"


def test_a_signature_of_another_key_under_the_name_of_a_trusted_one_is_refused(case: Case, tmp_path: Path) -> None:
    case.signed()
    own = json.loads((case.folder / signing.SIGNATURE).read_text())
    signing.make_key(tmp_path / "mallory.pem")
    store.sign(case.folder, tmp_path / "mallory.pem")
    forged = json.loads((case.folder / signing.SIGNATURE).read_text()) | {"key": own["key"]}
    (case.folder / signing.SIGNATURE).write_text(json.dumps(forged))
    with pytest.raises(ModelError, match="is not one of the key alice"):
        packages.verify(case.package)


def test_a_model_that_was_made_anew_and_has_the_old_signature_is_refused(case: Case) -> None:
    case.signed()
    signature = (case.folder / signing.SIGNATURE).read_bytes()
    changed = packages.write_package(case.folder, b"other weights", METADATA, "# Mine\n")
    (case.folder / signing.SIGNATURE).write_bytes(signature)
    with pytest.raises(ModelError, match="was changed after alice had signed it"):
        packages.verify(changed)


def test_a_file_that_is_missing_is_named(case: Case) -> None:
    (case.signed().folder / packages.CARD).unlink()
    with pytest.raises(ModelError, match=r"card.md, which alice has signed, is missing"):
        packages.verify(case.package)


def test_a_file_that_was_added_to_a_bundle_is_named(case: Case, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    (bundle / store.BUNDLE_METADATA).write_text("{}")
    (bundle / "models" / "model.pt").write_bytes(b"weights")
    signing.trust(case.public)
    store.sign(bundle, case.key)
    store.verify(bundle)
    (bundle / "scripts").mkdir()
    (bundle / "scripts" / "more.py").write_text("")
    with pytest.raises(ModelError, match=r"scripts/more.py was added after alice had signed it"):
        store.verify(bundle)


def test_a_signature_travels_with_the_model(case: Case, tmp_path: Path) -> None:
    case.signed()
    store.export(case.folder, tmp_path / "mine.zip")
    assert store.add(tmp_path / "mine.zip", card_in) == "mine"
    assert store.check_signature(packages.home() / "mine").name == "alice"
    (case.folder / signing.SIGNATURE).unlink()
    with pytest.raises(ModelError, match="model mine: it is not signed"):
        store.add(case.folder, card_in, replace=True)
    store.verify(packages.home() / "mine")


def test_a_key_that_others_may_read_does_not_sign(case: Case) -> None:
    case.key.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        store.sign(case.folder, case.key)


def test_no_key_is_overwritten(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No key is overwritten"):
        signing.make_key(case.key)
    signing.trust(case.public)
    other = signing.make_key(tmp_path / "alice.pem")
    with pytest.raises(ConfigError, match="is another key"):
        signing.trust(other)


def test_what_is_no_key_is_said_to_be_none(case: Case, tmp_path: Path) -> None:
    (tmp_path / "no.pub").write_text("no key")
    with pytest.raises(ConfigError, match="no public key"):
        signing.trust(tmp_path / "no.pub")
    (tmp_path / "no.pem").write_text("no key")
    (tmp_path / "no.pem").chmod(0o600)
    with pytest.raises(ConfigError, match="no key to sign with"):
        store.sign(case.folder, tmp_path / "no.pem")


def test_from_the_command_line(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["napari-lesion", "models", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return end.value.code or 0, written.out + written.err

    case.require(True)
    status, said = run("verify", case.folder)
    assert (status, "it is not signed" in said) == (1, True)
    status, said = run("sign", case.folder, "--key", tmp_path / "bob.pem", "--make-key")
    assert status == 0, said
    status, said = run("trust", tmp_path / "bob.pub")
    assert status == 0, said
    status, said = run("verify", case.folder)
    assert (status, "signed by bob" in said) == (0, True), said
    description = yaml.safe_load((case.folder / packages.DESCRIPTION).read_text())
    (case.folder / packages.DESCRIPTION).write_text(yaml.safe_dump(description | {"threshold": 0.1}))
    status, said = run("verify", case.folder)
    assert (status, "model.yaml was changed after bob had signed it" in said) == (1, True), said
    shutil.rmtree(case.folder)

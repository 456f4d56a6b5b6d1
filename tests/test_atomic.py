from __future__ import annotations

from pathlib import Path

import pytest

from napari_lesion.support.atomic import whole_file, whole_folder


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "new" / "table.csv"
    with whole_file(target) as temporary:
        temporary.write_text("all of it")
        assert temporary.suffix == ".csv"
        assert not target.exists()
    assert target.read_text() == "all of it"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_fails_leaves_the_one_before(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("before")

    def fail() -> None:
        with whole_file(target) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_replaces_the_one_before_as_a_whole(tmp_path):
    target = tmp_path / "result"
    for name in ("old", "new"):
        with whole_folder(target) as temporary:
            (temporary / name).write_text(name)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_one_before(tmp_path, monkeypatch):
    target = tmp_path / "result"
    with whole_folder(target) as temporary:
        (temporary / "old").write_text("old")
    real = Path.replace

    def refuse(self, other):
        if self.name == "new":
            raise OSError(13, "Permission denied")
        return real(self, other)

    with pytest.raises(OSError, match="Permission"), whole_folder(target):
        monkeypatch.setattr(Path, "replace", refuse)
    assert (target / "old").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_results_can_be_read_by_whom_the_umask_lets(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").write_text("")
    with whole_folder(tmp_path / "result") as temporary:
        (temporary / "file").write_text("")
    for name in ("", "file"):
        ours, plain = (tmp_path / folder / name for folder in ("result", "plain"))
        assert ours.stat().st_mode == plain.stat().st_mode

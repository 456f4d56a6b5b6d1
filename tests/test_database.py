"""SQLite files of the program: brought to today's tables, refused where they are of a later one or something else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from napari_lesion.support.database import Database, read_rows
from napari_lesion.support.errors import InputFileError, OutputError

FIRST, SECOND = (
    "CREATE TABLE words (word TEXT); CREATE INDEX by_word ON words (word)",
    "ALTER TABLE words ADD n INTEGER",
)


def rows(path: Path, version: int = 2) -> list[tuple[object, ...]]:
    return list(read_rows(path, "the list", version, "SELECT * FROM words", tuple))


@pytest.mark.parametrize("logged", [False, True], ids=["journal", "write-ahead log"])
def test_what_an_earlier_version_wrote_is_there_in_the_tables_of_today(tmp_path: Path, logged: bool) -> None:
    path = tmp_path / "list.sqlite"
    first = Database(path, "the list", [FIRST], logged=logged)
    first.do("INSERT INTO words VALUES ('kept')")
    first.close()
    second = Database(path, "the list", [FIRST, SECOND], logged=logged)
    assert [tuple(row) for row in second.do("SELECT * FROM words")] == [("kept", None)]
    second.close()
    assert rows(path) == [("kept", None)]
    assert [one.name for one in tmp_path.iterdir()] == [path.name], "whoever reads leaves nothing beside it"
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(InputFileError, match=r"the list is of another version of the program \(2, not 1\)\. Move it"):
        Database(path, "the list", [FIRST], logged=logged)
    with pytest.raises(InputFileError, match=r"\(2, not 1\)"):
        rows(path, 1)


def test_something_else_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "list.sqlite"
    path.write_bytes(b"no database " * 100)
    with pytest.raises(InputFileError, match=r"this is not the list, or it is damaged \(.+\)\. Move it away\."):
        Database(path, "the list", [FIRST])
    assert path.read_bytes() == b"no database " * 100
    with pytest.raises(OutputError, match="the list cannot be opened"):
        Database(tmp_path, "the list", [FIRST])


def test_a_change_that_fails_is_not_made_nor_is_what_is_part_of_it(tmp_path: Path) -> None:
    def change(database: Database) -> None:
        with database.transaction():
            database.do("INSERT INTO words VALUES ('lost')")
            with database.transaction():
                database.do("INSERT INTO words VALUES ('lost, too')")
            database.do("INSERT INTO nothing VALUES (1)")

    with closing(Database(tmp_path / "list.sqlite", "the list", [FIRST])) as database:
        with pytest.raises(sqlite3.OperationalError):
            change(database)
        assert database.do("SELECT * FROM words") == []

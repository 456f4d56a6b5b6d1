"""The worklist in SQLite: which studies wait, who has which open, which are read, and what was done when."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_lesion.support.atomic import PRIVATE_FOLDER
from napari_lesion.support.database import Database, refuse
from napari_lesion.support.errors import LesionError, OptionError, WorklistError
from napari_lesion.worklist.arrivals import Arrival, arrivals_in
from napari_lesion.worklist.ranking import points, terms
from napari_lesion.worklist.rows import VERSIONS, arrival_of, latest, name_in_place, series_of
from napari_lesion.worklist.rule import PRIORITIES, Priority, Rule
from napari_lesion.worklist.studies import Event, Study
from napari_lesion.worklist.study_findings import merged

ENVIRONMENT = "NAPARI_LESION_WORKLIST"
"""Names the file of the worklist."""
FILE_NAME = "worklist.sqlite"
_WHAT = "the worklist"
_HOUR_S = 3600.0


class Worklist:
    """The list; each method is a transaction, safe beside other threads and processes.

    Parameters
    ----------
    path : Path
        Made if it is not there, for this user only: it names patients.
    rule : Rule
    clock : callable
        Gives the time, seconds since 1970.

    Raises
    ------
    OutputError
        If it cannot be written.
    InputFileError
        If it is none, damaged, or of a later version.
    """

    def __init__(self, path: Path, rule: Rule | None = None, clock: Callable[[], float] = time.time) -> None:
        self.path, self.rule, self._clock = path, rule or Rule(), clock
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        except OSError as error:
            refuse(path, _WHAT, error)
        self._db = Database(path, _WHAT, VERSIONS)

    def close(self) -> None:
        """Close it; nothing waits to be written."""
        self._db.close()

    # -- what arrived -------------------------------------------------------------------------------------------------

    def add(self, place: Path) -> None:
        """Look for studies in a folder of results, or of a listener, from now on.

        Raises
        ------
        InputFileError
            If there is no such folder.
        """
        list(arrivals_in(place, {}))
        self._db.do("INSERT OR IGNORE INTO places VALUES (?)", str(place.absolute()))

    def places(self) -> list[Path]:
        """List the folders that are looked at."""
        return [Path(row["path"]) for row in self._db.do("SELECT path FROM places ORDER BY path")]

    def remove(self, place: Path) -> bool:
        """Look no more in a folder; what came from there only is off the list. Whether it was looked at."""
        known = place.absolute() in self.places()
        self._take(place.absolute(), [])
        self._db.do("DELETE FROM places WHERE path = ?", str(place.absolute()))
        return known

    def refresh(self) -> list[str]:
        """Look what arrived; say which folders could not be looked at. What is known of those is kept."""
        problems = []
        for place in self.places():
            try:
                found = list(arrivals_in(place, self._known(place)))
            except (LesionError, OSError) as error:
                problems.append(f"{place}: not looked at, what is known of it is kept. {error}")
                continue
            self._take(place, found)
        return problems

    def _known(self, place: Path) -> dict[Path, tuple[str, Arrival]]:
        rows = self._db.do("SELECT * FROM series WHERE place = ? AND folder != ''", str(place))
        return {Path(row["folder"]): (row["state"], arrival_of(row)) for row in rows}

    def _take(self, place: Path, found: Sequence[tuple[str, Arrival]]) -> None:
        new = {name_in_place(one, place): (state, one) for state, one in found}
        with self._db.transaction():
            rows = self._db.do("SELECT * FROM series WHERE place = ?", str(place))
            before = {row["name"]: row for row in rows}
            touched = set()
            for name, row in before.items():
                if name not in new:
                    self._db.do("DELETE FROM series WHERE place = ? AND name = ?", str(place), name)
                    touched.add(row["study"])
            for name, (state, one) in new.items():
                row = before.get(name)
                if row is not None and (row["state"], row["version"], row["study"]) == (state, one.version, one.study):
                    continue
                touched |= {one.study} | ({row["study"]} if row is not None else set())
                self._db.do(
                    "INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    str(place),
                    name,
                    one.study,
                    one.identity.study_uid,
                    one.identity.model_dump_json(),
                    one.found.model_dump_json(),
                    one.at,
                    one.version,
                    state,
                    str(one.folder or ""),
                    str(one.source or ""),
                )
            for study in sorted(touched):
                self._follow(study)

    def _follow(self, study: str) -> None:
        """Bring a study up to date with its series."""
        rows = latest(self._db.do("SELECT * FROM series WHERE study = ?", study))
        known = self._db.do("SELECT * FROM studies WHERE id = ?", study)
        version = ";".join(sorted(row["version"] for row in rows))
        now = self._clock()
        if not known and rows:
            arrived = min(row["at"] for row in rows)
            self._db.do("INSERT INTO studies (id, arrived, version) VALUES (?, ?, ?)", study, arrived, version)
            self._note(study, "", "arrived")
        elif known and known[0]["version"] != version:
            self._db.do("UPDATE studies SET version = ? WHERE id = ?", version, study)
            self._note(study, "", "changed" if rows else "gone")
            if rows and known[0]["read_at"] is not None and known[0]["read_version"] != version:
                # What came after it was read has waited since now only.
                self._db.do("UPDATE studies SET arrived = ? WHERE id = ?", now, study)

    # -- the list -----------------------------------------------------------------------------------------------------

    def waiting(self) -> list[Study]:
        """List the studies that are to be read, the next first; also those that somebody has open."""
        return [one for one in self._studies() if not one.is_read]

    def read(self) -> list[Study]:
        """List the studies that were read, the latest first."""
        return sorted((one for one in self._studies() if one.is_read), key=lambda one: -(one.read_at or 0.0))

    def study(self, name: str) -> Study:
        """Find a study by its id on the list or its StudyInstanceUID.

        Raises
        ------
        OptionError
            If there is none, or several patients have one of this UID.
        """
        rows = self._db.do("SELECT DISTINCT study FROM series WHERE study = ? OR study_uid = ?", name, name)
        if not rows:
            raise OptionError(f"There is no study {name} on the worklist.")
        if len(rows) > 1:
            ids = ", ".join(row["study"] for row in rows)
            raise OptionError(f"{len(rows)} studies have the UID {name}: of several patients. Say which: {ids}.")
        return self._studies(rows[0]["study"])[0]

    def history(self, study: str) -> list[Event]:
        """List what happened to a study, the first first."""
        rows = self._db.do("SELECT * FROM events WHERE study = ? ORDER BY id", study)
        return [Event(row["at"], row["who"], row["what"], row["detail"]) for row in rows]

    def arrivals(self) -> list[float]:
        """List when studies came first, seconds since 1970, in order."""
        rows = self._db.do("SELECT min(at) AS at FROM series GROUP BY study ORDER BY 1")
        return [row["at"] for row in rows]

    def _studies(self, only: str = "") -> list[Study]:
        now, series = self._clock(), dict[str, list[Any]]()
        with self._db.transaction():
            rows = self._db.do("SELECT * FROM studies WHERE ? IN ('', id)", only)
            for row in self._db.do("SELECT * FROM series WHERE ? IN ('', study)", only):
                series.setdefault(row["study"], []).append(row)
        found = [self._ranked(row, latest(series[row["id"]]), now) for row in rows if row["id"] in series]
        return sorted(found, key=lambda one: (-one.points, one.arrived, one.id))

    def _ranked(self, row: Any, series: Sequence[Any], now: float) -> Study:
        parts = [series_of(one) for one in series]
        found = merged([one.found for one in parts])
        is_read = row["read_at"] is not None and row["read_version"] == row["version"]
        held = bool(row["holder"]) and row["held_until"] > now
        waited_h = (now - row["arrived"]) / _HOUR_S
        urgent = sorted(parts, key=lambda one: -points(terms(one.found, "ROUTINE", 0.0, self.rule)))
        return Study(
            id=row["id"],
            series=tuple(urgent),
            found=found,
            arrived=row["arrived"],
            priority=row["priority"],
            terms=() if is_read else terms(found, row["priority"], waited_h, self.rule),
            holder=row["holder"] if held else "",
            seat=row["seat"] if held else "",
            held_since=row["held_since"] if held else None,
            read_at=row["read_at"],
            read_by=row["read_by"],
            is_read=is_read,
        )

    # -- who reads what -----------------------------------------------------------------------------------------------

    def set_priority(self, study: str, priority: Priority, who: str) -> None:
        """Note with what priority a study is requested."""
        assert priority in PRIORITIES
        with self._db.transaction():
            self._db.do("UPDATE studies SET priority = ? WHERE id = ?", priority, study)
            self._note(study, who, "priority", priority)

    def claim(self, study: str, reader: str, seat: str = "") -> Study:
        """Open a study: until it is released, read, or nothing was heard for a while, nobody else gets it.

        Parameters
        ----------
        study, reader : str
        seat : str
            Where (`seats.new_seat`): the same name at another one does not get it either.

        Raises
        ------
        WorklistError
            If somebody else has it open.
        """
        with self._db.transaction():
            one = self.study(study)
            if not one.is_free_for(reader, seat):
                if one.holder == reader:
                    raise _open_elsewhere(one)
                since = time.strftime("%H:%M", time.localtime(one.held_since))
                raise WorklistError(f"{one.holder} has this study open, since {since}. Choose another one.")
            self._hold(one, reader, seat)
        return self.study(study)

    def next(self, reader: str, seat: str = "") -> Study | None:
        """Open the study that comes first of those that nobody has open; None where there is none."""
        with self._db.transaction():
            free = next((one for one in self.waiting() if not one.holder), None)
            if free is not None:
                self._hold(free, reader, seat)
        return self.study(free.id) if free is not None else None

    def keep(self, study: str, reader: str, seat: str = "") -> bool:
        """Note a study as still open; False where it is not any more: taken by somebody else, or read elsewhere."""
        kept = self._db.do(
            "UPDATE studies SET held_until = ? WHERE id = ? AND holder = ? AND seat = ? RETURNING id",
            self._clock() + self.rule.claim_minutes * 60,
            study,
            reader,
            seat,
        )
        return bool(kept)

    def release(self, study: str, reader: str, seat: str | None = None) -> bool:
        """Put a study back, unread; whether this reader had it, at this seat where one is said."""
        with self._db.transaction():
            freed = self._db.do(
                "UPDATE studies SET holder = '', seat = '', held_until = 0 "
                "WHERE id = ? AND holder = ? AND seat = coalesce(?, seat) RETURNING id",
                study,
                reader,
                seat,
            )
            if freed:
                self._note(study, reader, "released")
        return bool(freed)

    def done(self, study: str, reader: str, how: str, seat: str | None = None) -> None:
        """Mark a study as read: of what was found when this reader opened it. What comes later brings it back.

        Parameters
        ----------
        study, reader : str
        how : str
            ``by hand``, or which report was written or sent.
        seat : str, optional
            By default wherever this reader has it open.

        Raises
        ------
        WorklistError
            If somebody else has it open.
        """
        now = self._clock()
        with self._db.transaction():
            one = self.study(study)
            if not one.is_free_for(reader, one.seat if seat is None else seat):
                if one.holder == reader:
                    raise _open_elsewhere(one)
                raise WorklistError(f"{one.holder} has this study open, so {reader} cannot mark it as read.")
            self._db.do(
                "UPDATE studies SET read_at = ?, read_by = ?, holder = '', seat = '', held_until = 0, "
                "read_version = CASE WHEN holder = ? THEN held_version ELSE version END WHERE id = ?",
                now,
                reader,
                reader,
                one.id,
            )
            self._note(one.id, reader, "read", how)

    def _hold(self, one: Study, reader: str, seat: str) -> None:
        now = self._clock()
        again = one.holder == reader
        self._db.do(
            "UPDATE studies SET holder = ?, seat = ?, held_since = ?, held_until = ?, held_version = version "
            "WHERE id = ?",
            reader,
            seat,
            one.held_since if again else now,
            now + self.rule.claim_minutes * 60,
            one.id,
        )
        if not again:
            self._note(one.id, reader, "claimed")

    # -- SQLite -------------------------------------------------------------------------------------------------------

    def _note(self, study: str, who: str, what: str, detail: str = "") -> None:
        self._db.do(
            "INSERT INTO events (study, at, who, what, detail) VALUES (?, ?, ?, ?, ?)",
            study,
            self._clock(),
            who,
            what,
            detail,
        )


def _open_elsewhere(one: Study) -> WorklistError:
    since = time.strftime("%H:%M", time.localtime(one.held_since))
    return WorklistError(
        f"{one.holder} has this study open in another window or program, since {since}. Close it there, or put it back "
        "with `napari-lesion worklist release`."
    )


def worklist_file(path: Path | None = None) -> Path:
    """Where the worklist is: as said, as the environment says, else among the user's data."""
    import platformdirs

    named = os.environ.get(ENVIRONMENT)
    return path or (Path(named) if named else platformdirs.user_data_path("napari-lesion") / FILE_NAME)

"""The audit log: whatever is done to its file is named by the number of the line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.security import audit
from napari_lesion.security.audit import Action, open_log, record
from napari_lesion.security.audit_log import AuditLog
from napari_lesion.support.errors import AuditError, ConfigError

KEY = b"a key of the tests"
CANARY = "Kanarienvogel^Anna"


def written(path: Path, count: int, anchor: Path | None = None) -> AuditLog:
    log = AuditLog(path, KEY, anchor)
    for number in range(count):
        log.append({"what": "open", "detail": f"scan {number}"})
    return log


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return written(tmp_path / "audit.jsonl", 5)


def lines(log: AuditLog) -> list[bytes]:
    return log.path.read_bytes().splitlines(keepends=True)


def test_what_was_written_is_whole(log: AuditLog) -> None:
    assert log.check().lines == 5
    assert log.check().problems == ()
    assert [entry.fields["detail"] for entry in log.entries()] == [f"scan {n}" for n in range(5)]


def test_every_byte_that_is_flipped_is_noticed_and_its_line_is_named(log: AuditLog) -> None:
    content = log.path.read_bytes()
    for place in range(len(content)):
        number = content[:place].count(b"\n") + 1
        log.path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        problems = log.check().problems
        assert any(f"line {number} " in problem for problem in problems), (place, problems)


def test_every_length_to_which_it_is_cut_is_noticed(log: AuditLog) -> None:
    content = log.path.read_bytes()
    for length in range(len(content) - 1):
        log.path.write_bytes(content[:length])
        whole = (content[: length + 1]).count(b"\n")  # a line whose end alone is missing is whole
        first = whole + 1
        problems = " ".join(log.check().problems)
        assert f"line {first} " in problems or f"lines {first} to 5" in problems, (length, problems)


def test_without_its_last_line_end_nothing_is_missing(log: AuditLog) -> None:
    log.path.write_bytes(log.path.read_bytes()[:-1])
    assert log.check().problems == ()
    assert log.append({"what": "open"}) == 6
    assert log.check().problems == ()


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_line_taken_out_is_named(log: AuditLog, number: int) -> None:
    there = lines(log)
    del there[number - 1]
    log.path.write_bytes(b"".join(there))
    assert log.check().problems == (f"line {number} is missing.",)


def test_several_lines_taken_out_are_named_together(log: AuditLog) -> None:
    there = lines(log)
    log.path.write_bytes(b"".join(there[:1] + there[3:]))
    assert log.check().problems == ("lines 2 to 3 are missing.",)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_lines_that_were_swapped_are_named(log: AuditLog, number: int) -> None:
    there = lines(log)
    there[number - 1 : number + 1] = reversed(there[number - 1 : number + 1])
    log.path.write_bytes(b"".join(there))
    assert log.check().problems == (f"line {number} was moved: it stands at place {number + 1}.",)


def test_a_line_that_stands_twice_is_named(log: AuditLog) -> None:
    there = lines(log)
    log.path.write_bytes(b"".join([*there, there[1]]))
    assert log.check().problems == ("line 2 stands there twice: it stands at place 6.",)


def test_a_line_of_somebody_without_the_key_is_named(log: AuditLog, tmp_path: Path) -> None:
    forged = AuditLog(tmp_path / "forged", b"another key")
    forged.append({"what": "open", "detail": "nothing happened"})
    there = lines(log)
    there[2] = lines(forged)[0]
    log.path.write_bytes(b"".join(there))
    assert log.check().problems == ("line 3 was changed, cut or added: its seal does not fit.",)


def test_a_head_that_is_changed_or_gone_is_named(log: AuditLog) -> None:
    head = log.path.with_name("audit.jsonl.head")
    content = head.read_bytes()
    for place in range(len(content) - 1):
        head.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert any("is damaged" in problem for problem in log.check().problems), place
    head.unlink()
    assert any("is gone" in problem for problem in log.check().problems)


def test_a_log_and_a_head_of_earlier_are_seen_by_the_anchor(tmp_path: Path) -> None:
    log = written(tmp_path / "log", 3, tmp_path / "elsewhere")
    earlier = {path: path.read_bytes() for path in (log.path, log.path.with_name("log.head"))}
    log.append({"what": "export"})
    for path, content in earlier.items():
        path.write_bytes(content)
    assert written(tmp_path / "log", 0).check().problems == ()  # without an anchor, nobody could tell
    assert log.check().problems == (f"line 4 is missing at the end, as {tmp_path / 'elsewhere'} says.",)


def test_a_log_that_is_gone_is_named(log: AuditLog) -> None:
    log.path.unlink()
    assert [p.split(" at the end")[0] for p in log.check().problems] == ["lines 1 to 5 are missing"]


def test_going_on_does_not_hide_what_is_missing(log: AuditLog) -> None:
    log.path.write_bytes(b"".join(lines(log)[:3]))
    assert log.append({"what": "open"}) == 6
    assert log.check().problems == ("lines 4 to 5 are missing.",)


def test_a_crash_before_the_head_was_written_loses_nothing(log: AuditLog) -> None:
    head = log.path.with_name("audit.jsonl.head")
    before = head.read_bytes()
    log.append({"what": "open"})
    head.write_bytes(before)
    assert log.append({"what": "open"}) == 7
    assert log.check().problems == ()


def test_a_crash_in_the_middle_of_a_line_leaves_no_false_alarm(log: AuditLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"before":"')
    assert log.append({"what": "open"}) == 6
    assert log.check().problems == ()


def test_several_programs_write_one_chain(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from napari_lesion.security.audit_log import AuditLog\n"
        f"log = AuditLog(Path(sys.argv[1]), {KEY!r})\n"
        "for n in range(20): log.append({'what': 'open', 'detail': sys.argv[2] + str(n)})"
    )
    path = tmp_path / "log"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in "ab"]
    assert [one.wait() for one in running] == [0, 0]
    checked = AuditLog(path, KEY).check()
    assert (checked.lines, checked.problems) == (40, ())


def test_killed_at_any_time_what_was_said_to_be_written_is_there(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from napari_lesion.security.audit_log import AuditLog\n"
        f"log = AuditLog(Path(sys.argv[1]), {KEY!r})\n"
        "while True: print(log.append({'what': 'open'}), flush=True)"
    )
    path, said = tmp_path / "log", 0
    for wanted in (1, 4, 9):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for line in child.stdout:
            if (said := int(line)) >= wanted:
                child.kill()
                break
        child.communicate()
        checked = AuditLog(path, KEY).check()
        assert checked.lines >= said
        assert checked.problems == ()


# -- what the program writes ------------------------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log that is configured by a file of settings."""
    settings = tmp_path / "config" / "security.yaml"
    settings.parent.mkdir()
    settings.write_text(f"audit: {{log: {tmp_path}/audit.jsonl, anchor: {tmp_path}/anchor}}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(settings))
    return tmp_path / "audit.jsonl"


def test_nothing_is_logged_where_nobody_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAPARI_LESION_SECURITY")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    record(Action.OPEN, patient_id=CANARY)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="No audit log is configured"):
        open_log()


def test_a_patient_stands_in_it_only_by_a_keyed_hash(configured: Path) -> None:
    record(Action.OPEN, patient_id=CANARY, study_uid="1.2.3", objects=("1.2.3.4",), reader="Reader")
    record(Action.OPEN, patient_id=f"{CANARY} ")
    record(Action.OPEN, patient_id="another")
    assert CANARY not in configured.read_text()
    first, second, third = (entry.fields for entry in open_log().entries())
    assert first["patient"] == second["patient"] != third["patient"]
    assert [first[name] for name in ("what", "study", "reader")] == ["open", "1.2.3", "Reader"]
    assert first["objects"] == ["1.2.3.4"]
    key = audit.audit_key(audit.settings.load_settings().audit)
    assert first["patient"] == audit.hashed(CANARY, key) != audit.hashed(CANARY, b"another key")
    assert not configured.stat().st_mode & 0o077
    assert not (configured.parent / "config" / "audit.key").stat().st_mode & 0o077


def test_patients_are_named_where_the_settings_say_so(configured: Path) -> None:
    settings = Path(os.environ["NAPARI_LESION_SECURITY"])
    settings.write_text(settings.read_text().replace("{log", "{name_patients: true, log"))
    record(Action.OPEN, patient_id=CANARY)
    assert json.loads(configured.read_text())["patient"] == CANARY


def test_where_the_log_cannot_be_written_nothing_is_done(configured: Path) -> None:
    record(Action.OPEN)
    configured.unlink()
    configured.mkdir()
    with pytest.raises(AuditError, match="cannot be written"):
        record(Action.OPEN)


def test_a_key_that_is_gone_is_not_replaced(configured: Path) -> None:
    record(Action.OPEN)
    (configured.parent / "config" / "audit.key").unlink()
    with pytest.raises(AuditError, match="is gone"):
        record(Action.OPEN)


def test_verify_says_so_in_a_sentence_with_the_number(configured: Path) -> None:
    for _ in range(3):
        record(Action.OPEN)
    run = CliRunner().invoke
    assert "3 lines, all as they were written" in run(app, ["audit", "verify"]).output
    there = configured.read_bytes().splitlines(keepends=True)
    configured.write_bytes(b"".join(there[:2]))
    result = run(app, ["audit", "verify"])
    assert result.exit_code == 1
    assert "line 3 is missing at the end" in result.output

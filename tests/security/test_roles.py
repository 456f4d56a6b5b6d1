"""In a shared folder everybody does what their role allows, and nothing else is written, whatever calls for it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from fake_scan import make_volume
from review_scan import a_review
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.annotation.export import save_luna16
from napari_lesion.annotation.labels import LUNG_NODULES
from napari_lesion.annotation.store import Store
from napari_lesion.batch.monitor import LOOPBACK, Monitor
from napari_lesion.cli.main import app
from napari_lesion.pacs.web import Pages, WebServer
from napari_lesion.reading_study.journal import Journal as BlindJournal
from napari_lesion.reading_study.study import load_readings
from napari_lesion.report.write import write_reports
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import provenance
from napari_lesion.security import projects, roles, signing
from napari_lesion.security.audit import open_log
from napari_lesion.security.roles import May, Member, NotAllowedError, Role, allows
from napari_lesion.security.web import Guard
from napari_lesion.support.errors import ConfigError, ReadingError, SecurityError

SCAN = make_volume()
Become = Callable[[str], None]


@pytest.fixture
def become(monkeypatch: pytest.MonkeyPatch) -> Become:
    def become(name: str) -> None:
        monkeypatch.setattr(roles, "login", lambda: name)

    return become


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, become: Become) -> Path:
    """A shared folder with somebody of each role, two blind readers among them."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "security.yaml").write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(tmp_path / "config" / "security.yaml"))
    monkeypatch.setenv("NAPARI_LESION_AUDIT", str(tmp_path / "audit.jsonl"))
    signing.trust(signing.make_key(tmp_path / "admin.pem"))
    folder = tmp_path / "shared"
    folder.mkdir()
    become("root")
    roles.change_members(
        folder,
        tmp_path / "admin.pem",
        {
            "root": Member(Role.ADMIN),
            "anna": Member(Role.READER, "Reader A"),
            "ben": Member(Role.READER, "Reader B"),
            "rita": Member(Role.RESEARCHER),
            "dora": Member(Role.DATA_MANAGER),
        },
    )
    return folder


def review(folder: Path) -> None:
    journal = Journal(folder / "reviews" / "1.jsonl", SCAN.series)
    try:
        journal.begin(a_review(SCAN), provenance("A"))
    finally:
        journal.close()


def annotate(folder: Path, reader: str = "Reader A") -> AnnotationSet:
    return Store(folder / "marks").save(AnnotationSet.empty(SCAN, reader, "lung nodules"))


def report(folder: Path) -> None:
    write_reports(a_review(SCAN).report, folder / "out", ("json",))


def export(folder: Path) -> None:
    save_luna16([], LUNG_NODULES, folder / "tables")


def encrypt(folder: Path) -> None:
    projects.encrypt(folder, ["age1..."])


def see_all(folder: Path) -> None:
    load_readings(folder)


ACTS = {
    review: May.REVIEW,
    annotate: May.ANNOTATE,
    report: May.EXPORT,
    export: May.EXPORT,
    encrypt: May.KEYS,
    see_all: May.SEE_OTHERS,
}
LOGINS = {"root": Role.ADMIN, "anna": Role.READER, "rita": Role.RESEARCHER, "dora": Role.DATA_MANAGER}


def written(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix in (".json", ".jsonl", ".csv")}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("name", [*LOGINS, "stranger"])
def test_what_a_role_does_not_allow_is_refused_where_it_is_written(
    folder: Path, become: Become, act: Callable[[Path], object], name: str
) -> None:
    become(name)
    before = written(folder)
    if name in LOGINS and allows(LOGINS[name], ACTS[act]):
        if act in (encrypt, see_all):  # age1... is nobody, and there are no readings
            with pytest.raises((ReadingError, SecurityError), match=r"is no recipient|finished"):
                act(folder)
        else:
            act(folder)
        return
    with pytest.raises(NotAllowedError, match=f"{name} is .*(may not|not one of its members)"):
        act(folder)
    assert written(folder) == before
    last = list(open_log().entries())[-1].fields
    assert (last["what"], last["outcome"]) == ("refuse", "failed")


def test_a_blind_reader_sees_their_own_marks_alone(folder: Path, become: Become) -> None:
    store = Store(folder / "marks")
    for name, reader in (("anna", "Reader A"), ("ben", "Reader B")):
        become(name)
        saved = annotate(folder, reader)
    key = saved.series_uid, saved.stack
    become("anna")
    assert store.readers(*key) == ("Reader A",)
    assert [one.reader for one in store.load_scan(*key)] == ["Reader A"]
    assert [one.reader for one in store.load_all()] == ["Reader A"]
    assert store.load(*key, "Reader A") is not None
    with pytest.raises(NotAllowedError, match="may not see what others have marked"):
        store.load(*key, "Reader B")
    with pytest.raises(NotAllowedError, match="reads there as 'Reader A'"):
        annotate(folder, "Reader C")
    become("rita")
    assert [one.reader for one in store.load_all()] == ["Reader A", "Reader B"]


def test_a_blind_reading_is_under_ones_own_name(folder: Path, become: Become) -> None:
    become("anna")
    with pytest.raises(NotAllowedError, match="reads there as 'Reader A'"):
        BlindJournal.start(folder / "b.jsonl", "Reader B", "1.2.3", seen_before=False)
    BlindJournal.start(folder / "a.jsonl", "Reader A", "1.2.3", seen_before=False)


def test_without_members_there_are_no_roles(tmp_path: Path, become: Become) -> None:
    become("stranger")
    review(tmp_path)
    annotate(tmp_path)
    report(tmp_path)


def test_every_byte_of_the_members_counts(folder: Path, become: Become) -> None:
    path = folder / roles.FILE
    content = path.read_bytes()
    there = roles.members(folder)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with suppress(SecurityError):
            assert roles.members(folder) == there, place


def test_members_of_another_folder_do_not_count(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / roles.FILE).write_bytes((folder / roles.FILE).read_bytes())
    with pytest.raises(SecurityError, match="was made for a folder 'shared'"):
        roles.members(tmp_path / "other")


def test_who_signs_for_themselves_is_no_admin(folder: Path, tmp_path: Path, become: Become) -> None:
    signing.make_key(tmp_path / "own.pem")
    become("anna")
    with pytest.raises(NotAllowedError, match="may not change who may do what"):
        roles.change_members(folder, tmp_path / "own.pem", {"anna": Member(Role.ADMIN)})
    path = folder / roles.FILE
    content = json.loads(path.read_text())
    content["members"]["anna"]["role"] = "admin"
    path.write_text(json.dumps(content))
    with pytest.raises(SecurityError, match="not signed by a trusted key, or was changed"):
        report(folder)


def test_members_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    key = ["--key", str(tmp_path / "admin.pem")]
    result = run(app, ["project", "members", str(folder), "--set", "ben=researcher", "--remove", "anna", *key])
    assert result.output.splitlines() == ["ben: researcher", "dora: data manager", "rita: researcher", "root: admin"]
    result = run(app, ["project", "members", str(folder), "--set", "carl=reader", *key])
    assert isinstance(result.exception, ConfigError)
    assert "say under which name" in str(result.exception)
    result = run(app, ["project", "members", str(folder), "--remove", "root", *key])
    assert "there would be no admin" in str(result.exception)


# -- web endpoints ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token for a reader and one for an admin."""
    lines = []
    for role in ("reader", "admin"):
        file = tmp_path / role
        file.write_text(f"token of {role}\n")
        file.chmod(0o600)
        lines.append(f"{role}: {{file: {file}}}")
    settings = tmp_path / "web.yaml"
    settings.write_text(f"web: {{tokens: {{{', '.join(lines)}}}}}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(settings))


def asked(url: str, token: str = "") -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(("token", "status"), [("", 401), ("no token", 401), ("token of reader", 403)])
def test_the_page_of_a_run_shows_its_state_to_who_may_see_runs(tokens: None, token: str, status: int) -> None:
    with closing(Monitor(LOOPBACK, 0)) as monitor:
        assert asked(f"{monitor.address}status.json", token) == status
        assert asked(f"{monitor.address}status.json", "token of admin") == 200
        assert asked(f"{monitor.address}status.json?token=token%20of%20admin") == 200
        assert asked(monitor.address) == 200  # the page itself shows nothing


@pytest.mark.parametrize(
    ("token", "health", "metrics"),
    [("", 401, 401), ("no token", 401, 401), ("token of reader", 200, 403), ("token of admin", 200, 200)],
)
def test_the_pages_of_the_listener_need_a_token(tokens: None, token: str, health: int, metrics: int) -> None:
    def page() -> tuple[int, str, str]:
        return 200, "text/plain", "fine\n"

    pages = Pages({"/health": page, "/metrics": page}, needs={"/health": None, "/metrics": May.SEE_RUNS}, guard=Guard())
    with WebServer(LOOPBACK, 0, pages, timeout_s=60.0, connections=4) as server:
        port = server.server_address[1]
        assert asked(f"http://{LOOPBACK}:{port}/health", token) == health
        assert asked(f"http://{LOOPBACK}:{port}/metrics", token) == metrics


def test_without_tokens_pages_are_as_they_were() -> None:
    assert Guard().status("") == 200

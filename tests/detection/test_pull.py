"""Models from a hub on loopback: resumed where it was interrupted, refused where it is not what was pinned."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import huggingface_hub.constants
import numpy as np
import pytest

from napari_lesion.detection.registry import card_in
from napari_lesion.models import packages, pull, store
from napari_lesion.support.errors import Cancelled, DownloadError, ModelError

REVISION = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
CHUNK = 16_384
PIN = pull.make_pin("zoo/bundle", REVISION, SHA256)


class Hub(ThreadingHTTPServer):
    """As much of Hugging Face as a download needs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {
            "configs/metadata.json": b'{"version": "1", "task": "segmentation of nothing"}',
            "configs/inference.json": b'{"network": 1}',
            "docs/README.md": b"# A bundle\n",
            "LICENSE": b"Apache-2.0",
            ".gitattributes": b"*.pt filter=lfs\n",
            "models/model.pt": WEIGHTS,
            "models/model.ts": b"not wanted",
        }
        self.listed = dict(self.files)
        """What the listing says of the files, where that is not the truth."""
        self.cut_after = -1
        """Bytes of weights after which the connection breaks; negative: never."""
        self.cuts = 0
        self.ignores_range = False
        self.status = 200
        self.listing: bytes | None = None
        """Sent in place of the list of files."""
        self.ranges: list[str | None] = []
        self.asked: list[str] = []
        self.sent = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that the client gave up."""


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        hub, path = self.server, unquote(urlsplit(self.path).path)
        assert "authorization" not in self.headers, "no token is sent"
        if hub.status != 200:
            self.answer(hub.status, b"")
        elif path.startswith("/api/") and hub.listing is not None:
            self.answer(200, hub.listing, Content_Type="application/json")
        elif path == f"/api/models/zoo/bundle/revision/{REVISION}":
            siblings = []
            for name, content in hub.listed.items():
                blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                entry = {"rfilename": name, "size": len(content), "blobId": blob}
                if name.startswith("models/"):
                    sha256 = hashlib.sha256(content).hexdigest()
                    entry["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
                siblings.append(entry)
            self.answer(200, json.dumps({"id": "zoo/bundle", "sha": REVISION, "siblings": siblings}).encode())
        elif path.startswith(f"/zoo/bundle/resolve/{REVISION}/"):
            self.send_file(path.partition(f"{REVISION}/")[2])
        else:
            self.answer(404, b"", X_Error_Code="RepoNotFound")

    def send_file(self, name: str) -> None:
        hub = self.server
        content = hub.files[name]
        hub.asked.append(name)
        wanted = self.headers.get("Range")
        if name == "models/model.pt":
            hub.ranges.append(wanted)
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and not hub.ignores_range else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = len(content)
        if name == "models/model.pt" and hub.cut_after >= 0 and hub.cuts > 0:
            hub.cuts -= 1
            stop = min(stop, start + hub.cut_after)
        self.wfile.write(content[start:stop])
        self.wfile.flush()
        if name == "models/model.pt":
            hub.sent += stop - start
        if stop < len(content):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.shutdown()
    server.server_close()


def installed() -> dict[str, bytes]:
    folder = packages.home() / "bundle"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_model_is_fetched_with_what_belongs_to_it_and_nothing_else(hub):
    assert pull.pull(PIN, card_in) == "bundle"
    files = installed()
    origin = json.loads(files.pop(store.ORIGIN))
    wanted = {name for name in hub.files if name not in (".gitattributes", "models/model.ts")}
    assert files == {name: hub.files[name] for name in wanted}
    assert origin["source"] == f"{hub.address}/zoo/bundle"
    assert origin["revision"] == REVISION
    assert origin["sha256"]["models/model.pt"] == SHA256
    store.verify(packages.home() / "bundle")
    assert [path.name for path in packages.home().iterdir()] == ["bundle"]


def test_progress_goes_from_nothing_to_all_bytes(hub):
    reports = []
    pull.pull(PIN, card_in, progress=lambda done, total, what: reports.append((done, total, what)))
    sizes = [done for done, total, _ in reports if total > 1]
    assert sizes == sorted(sizes)
    assert sizes[-1] == reports[-1][1] == sum(map(len, hub.files.values())) - len(b"not wanted*.pt filter=lfs\n")


def test_a_broken_connection_goes_on_where_it_broke(hub):
    hub.cut_after, hub.cuts = 5 * CHUNK, 2
    pull.pull(PIN, card_in)
    assert hub.ranges == [None, f"bytes={5 * CHUNK}-", f"bytes={10 * CHUNK}-"]
    assert hub.sent == len(WEIGHTS)
    assert installed()["models/model.pt"] == WEIGHTS


def test_cancelled_it_goes_on_where_it_was_the_next_time(hub):
    def stop(done: int, total: int, what: str) -> None:
        if what == "fetching models/model.pt" and done > 6 * CHUNK:
            raise Cancelled

    with pytest.raises(Cancelled):
        pull.pull(PIN, card_in, progress=stop)
    assert not (packages.home() / "bundle").exists()
    assert not [folder for folder in packages.model_folders() if folder.parent == packages.home()]

    hub.ranges.clear()
    hub.asked.clear()
    pull.pull(PIN, card_in)
    (resumed,) = hub.ranges
    assert int(resumed.removeprefix("bytes=").removesuffix("-")) >= 6 * CHUNK
    assert hub.asked == ["models/model.pt"]
    assert installed()["models/model.pt"] == WEIGHTS


def test_a_server_that_cannot_resume_sends_everything_again(hub):
    hub.cut_after, hub.cuts, hub.ignores_range = 5 * CHUNK, 1, True
    pull.pull(PIN, card_in)
    assert hub.ranges == [None, f"bytes={5 * CHUNK}-"]
    assert installed()["models/model.pt"] == WEIGHTS


def test_killed_it_goes_on_where_it_was_the_next_time(hub, tmp_path):
    code = (
        "import os, signal\n"
        f"import huggingface_hub.constants as c; c.DOWNLOAD_CHUNK_SIZE = {CHUNK}\n"
        "from napari_lesion.models import pull\n"
        "from napari_lesion.detection.registry import card_in\n"
        "def die(done, total, what):\n"
        f"    if done > {6 * CHUNK}: os._exit(9)\n"
        f"pull.pull(pull.make_pin('zoo/bundle', '{REVISION}', '{SHA256}'), card_in, progress=die)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 9
    hub.ranges.clear()
    pull.pull(PIN, card_in)
    assert int(hub.ranges[0].removeprefix("bytes=").removesuffix("-")) >= 6 * CHUNK
    assert installed()["models/model.pt"] == WEIGHTS


def test_other_weights_than_pinned_are_not_even_fetched(hub):
    hub.files["models/model.pt"] = hub.listed["models/model.pt"] = WEIGHTS[::-1]
    with pytest.raises(DownloadError, match="other weights; nothing was fetched"):
        pull.pull(PIN, card_in)
    assert hub.asked == []
    assert not packages.home().exists()


def test_weights_that_were_changed_on_the_way_are_deleted_unopened(hub):
    hub.files["models/model.pt"] = WEIGHTS[:-1] + bytes([WEIGHTS[-1] ^ 1])
    with pytest.raises(DownloadError, match=r"damaged or was changed: sha256 .*deleted unopened"):
        pull.pull(PIN, card_in)
    assert not (packages.home() / "bundle").exists()
    assert not list(packages.home().rglob("model.pt"))
    hub.files["models/model.pt"] = WEIGHTS
    pull.pull(PIN, card_in)
    assert installed()["models/model.pt"] == WEIGHTS


def test_a_configuration_that_was_changed_on_the_way_is_refused(hub):
    hub.files["configs/inference.json"] = b'{"network": 2}'
    with pytest.raises(DownloadError, match=r"configs/inference\.json came damaged or was changed"):
        pull.pull(PIN, card_in)
    assert not (packages.home() / "bundle").exists()


def test_what_was_tampered_with_while_it_lay_there_half_fetched_is_noticed(hub):
    hub.cut_after, hub.cuts = 5 * CHUNK, 99
    with pytest.raises(DownloadError):
        pull.pull(PIN, card_in, progress=_give_up_after(7))
    (partial,) = packages.home().rglob("model.pt")
    with partial.open("r+b") as file:
        file.write(b"evil")
    hub.cuts = 0
    with pytest.raises(DownloadError, match="deleted unopened"):
        pull.pull(PIN, card_in)


def _give_up_after(reports: int):
    left = [reports]

    def progress(done: int, total: int, what: str) -> None:
        if what == "fetching models/model.pt":
            left[0] -= 1
            if left[0] < 0:
                raise OSError("cable pulled")

    return progress


PAGE = b"<!DOCTYPE html><html><body>Sign in to the hospital's network</body></html>"


@pytest.mark.parametrize(
    "listing",
    [
        PAGE,
        b"",
        b"[]",
        b"null",
        b'"text"',
        b'{"siblings": 1}',
        b'{"id": "a/b", "siblings": [{"size": 1}]}',
        b"[" * 9999,
    ],
    ids=["page", "nothing", "list", "null", "text", "number", "no name", "deep"],
)
def test_something_else_than_a_list_of_files_is_said(hub, listing):
    hub.listing = listing
    with pytest.raises(DownloadError, match=r"something else than a list of files|holds no models/model\.pt"):
        pull.pull(PIN, card_in)
    assert not packages.home().exists()


@pytest.mark.parametrize("size", [None, -1, "many", 2**50])
def test_sizes_that_cannot_be_are_said(hub, size):
    name = {"rfilename": "models/model.pt", "lfs": {"size": 1, "sha256": SHA256, "pointerSize": 130}}
    entry = name if size is None else {**name, "size": size}
    hub.listing = json.dumps({"id": "zoo/bundle", "sha": REVISION, "siblings": [entry]}).encode()
    with pytest.raises(DownloadError, match=r"does not list how large|GB are listed"):
        pull.pull(PIN, card_in)
    assert hub.asked == []


@pytest.mark.parametrize("name", ["configs/metadata.json", "models/model.pt"])
@pytest.mark.parametrize("page", [PAGE, PAGE + b" " * len(WEIGHTS)], ids=["short", "long"])
def test_a_page_in_place_of_a_file_is_said_and_not_gone_on_from(hub, name, page):
    whole = hub.files[name]
    hub.files[name] = page
    with pytest.raises(DownloadError, match=f"a web page came in place of {name}"):
        pull.pull(PIN, card_in)
    hub.files[name] = whole
    pull.pull(PIN, card_in)
    assert installed()[name] == whole


@pytest.mark.parametrize("name", ["configs/metadata.json", "models/model.pt"])
def test_no_more_bytes_are_taken_than_are_listed(hub, name):
    whole = hub.files[name]
    hub.files[name] = whole + b"x" * 3 * CHUNK
    with pytest.raises(DownloadError, match=f"more than the {len(whole):,} bytes came that are listed for {name}"):
        pull.pull(PIN, card_in)
    assert not [path for path in packages.home().rglob("*") if path.is_file() and path.stat().st_size > len(WEIGHTS)]
    hub.files[name] = whole
    pull.pull(PIN, card_in)
    assert installed()[name] == whole


@pytest.mark.parametrize("name", ["configs/../../evil", "configs/..\\evil", "configs/C:evil"])
def test_a_path_that_leads_out_of_its_folder_is_refused(hub, name):
    hub.files[name] = hub.listed[name] = b"evil"
    with pytest.raises(DownloadError, match="leads out of its folder"):
        pull.pull(PIN, card_in)
    assert hub.asked == []


def test_a_repository_without_the_weights_is_refused(hub):
    del hub.listed["models/model.pt"]
    with pytest.raises(DownloadError, match=r"holds no models/model\.pt"):
        pull.pull(PIN, card_in)


def test_an_unknown_repository_is_said(hub):
    with pytest.raises(DownloadError, match="has no zoo/other at revision"):
        pull.pull(pull.make_pin("zoo/other", REVISION, SHA256), card_in)


def test_a_server_in_trouble_is_said(hub):
    hub.status = 503
    with pytest.raises(DownloadError, match="answered with status 503"):
        pull.pull(PIN, card_in)


def test_without_a_network_the_sentence_says_what_to_do(monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    with pytest.raises(DownloadError, match=r"cannot be reached.*Check the network.*models add FOLDER"):
        pull.pull(PIN, card_in)
    assert not (tmp_path / "home").exists()


def test_a_model_that_is_there_is_not_replaced_by_chance(hub):
    pull.pull(PIN, card_in)
    with pytest.raises(ModelError, match="Remove it first"):
        pull.pull(PIN, card_in)
    pull.pull(PIN, card_in, replace=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("zoo/bundle", "main", SHA256), "is no commit"),
        (("zoo/bundle", REVISION, "md5"), "is no sha256"),
        (("bundle", REVISION, SHA256), "names no repository"),
    ],
)
def test_only_what_cannot_move_is_a_pin(arguments, words):
    with pytest.raises(ModelError, match=words):
        pull.make_pin(*arguments)


def test_the_catalogue_pins_commits_and_checksums():
    for pin in pull.CATALOGUE:
        assert pull.find_pin(pin.name) is pin
        for file, sha256 in pin.weights:
            made = pull.make_pin(pin.repository, pin.revision, sha256, file)
            assert (made.repository, made.revision, made.weights) == (pin.repository, pin.revision, pin.weights)
    with pytest.raises(ModelError, match="not in the catalogue"):
        pull.find_pin("unheard-of")


def test_the_command_fetches_and_says_how_to_use_it(hub):
    code = "import sys; from napari_lesion.cli.main import main; main()"
    command = [sys.executable, "-c", code, "models", "pull", "zoo/bundle", "--revision", REVISION, "--sha256", SHA256]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env={**os.environ})
    assert result.returncode == 0, result.stderr
    assert "--model bundle" in result.stdout
    assert installed()["models/model.pt"] == WEIGHTS


def test_home_is_a_folder_of_the_user(monkeypatch):
    monkeypatch.delenv(packages.HOME_VARIABLE)
    assert packages.home().is_absolute()
    assert Path.home() in packages.home().parents

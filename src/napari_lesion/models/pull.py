"""Fetch a model from Hugging Face: one pinned revision, resumed where it was interrupted, checked before it is opened.

What is checked: the weights against the sha256 that is pinned here or given by the user; every other file against the
hash that the hub lists for it at that revision. Nothing that was fetched is run.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from napari_lesion.models import packages, store
from napari_lesion.models.package_files import is_part
from napari_lesion.support.atomic import PREFIX, whole_folder
from napari_lesion.support.errors import DownloadError, ModelError
from napari_lesion.support.progress import Progress, silent

_TIMEOUT_S = 15
_LARGEST_TEXT = 20 * 2**20
"""Bytes of a file at most whose hash is not pinned."""
_LARGEST = 8 * 2**30
"""Bytes of a model at most."""
_MOST_FILES = 2_000
_CHUNK = 2**20
_PAGE = re.compile(rb"\s*<(!doctype\s+html|html|head|\?xml|!--)", re.IGNORECASE)


@dataclass(frozen=True)
class Pin:
    """One revision of one model on Hugging Face."""

    name: str
    """Id that it gets."""
    repository: str
    """``owner/name``."""
    revision: str
    """Commit, 40 hexadecimal digits: a branch or tag could be moved."""
    weights: tuple[tuple[str, str], ...]
    """(file, sha256); other files below ``models/`` are not fetched."""
    licence: str = ""
    summary: str = ""
    verified: str = ""
    """How the sha256 became known."""
    size_mb: float = 0
    """Of the weights; 0 where it is not known."""
    published: str = ""
    """What its makers measured, and on what."""


CATALOGUE: tuple[Pin, ...] = (
    Pin(
        name="lung_nodule_ct_detection",
        repository="MONAI/lung_nodule_ct_detection",
        revision="9d6622fda0e52be0a4155fed2e0afb9c17bcd80b",
        weights=(("models/model.pt", "b5e79231466adae93a6fe8e8594029e9add142914e223b879aa0343bb2402d01"),),
        licence="Apache-2.0",
        summary="MONAI model zoo: 3D RetinaNet for lung nodules in CT, trained on LUNA16.",
        size_mb=84,
        published="LUNA16, fold 0 (its card): mAP 0.852, mAR 0.998. LUNA16, 10 folds (MONAI): CPM 0.936. "
        "Models like it, trained on LUNA16, on other scans (arXiv 2405.04605): CPM 0.49 (NLST), 0.45 (DLCS)",
        verified="revision and sha256 as several independent public projects that use these weights pin them",
    ),
)


@dataclass(frozen=True)
class _Listed:
    """A file as the hub lists it."""

    path: str
    size: int
    blob: str
    """Git's name of the content."""
    sha256: str
    """Empty where the file lies in git itself."""


def find_pin(name: str) -> Pin:
    """Find a model of the catalogue.

    Raises
    ------
    ModelError
        If it is not in there.
    """
    for pin in CATALOGUE:
        if pin.name == name:
            return pin
    raise ModelError(
        f"{name!r} is not in the catalogue ({', '.join(pin.name for pin in CATALOGUE)}). To fetch another model from "
        "Hugging Face, name OWNER/NAME with --revision and --sha256."
    )


def make_pin(repository: str, revision: str, sha256: str, file: str = "models/model.pt") -> Pin:
    """Pin a model that is not in the catalogue.

    Raises
    ------
    ModelError
        If the revision is no commit, or the sha256 none.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ModelError(f"{repository!r} names no repository. Write OWNER/NAME as Hugging Face has it.")
    if not re.fullmatch("[0-9a-f]{40}", revision):
        raise ModelError(
            f"{revision!r} is no commit. Give its 40 hexadecimal digits: a branch or a tag could be moved to something "
            "else."
        )
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ModelError(f"{sha256!r} is no sha256. Give the 64 hexadecimal digits of the weights {file}.")
    return Pin(repository.partition("/")[2], repository, revision, ((file, sha256),))


def pull(pin: Pin, card_in: store.CardReader, *, replace: bool = False, progress: Progress = silent) -> str:
    """Fetch a model into the user's folder, whole or not at all.

    What was fetched before an interruption is kept in a hidden folder, and the next call goes on from there. The
    environment variable ``HF_ENDPOINT`` names a mirror.

    Parameters
    ----------
    pin : Pin
    card_in : callable
        Reads the card that a folder holds (``detection.registry.card_in``).
    replace : bool
        Take the place of an added model of the same id instead of refusing.

    Returns
    -------
    str
        The id under which it can be used.

    Raises
    ------
    DownloadError
        If the hub cannot be reached, does not have it, or sends something else than is pinned.
    ModelError
        If the id is taken.
    Cancelled
        If ``progress`` raised it.
    """
    store.check_new_id(pin.name, replace=replace)
    progress(0, 1, f"asking for {pin.repository}")
    files = _list_files(pin)
    partial = packages.home() / f"{PREFIX}{pin.name}-{pin.revision[:12]}"
    total, done = sum(file.size for file in files), 0
    for file in files:
        _fetch(pin, file, partial / file.path, _scaled(progress, done, total, file.path))
        done += file.size
    expected = dict(pin.weights)
    hashes = {}
    for file in files:
        progress(total, total, f"checking {file.path}")
        hashes[file.path] = _check(pin, file, partial / file.path, expected.get(file.path))
    with whole_folder(packages.home() / pin.name) as new:
        for path in partial.iterdir():
            path.replace(new / path.name)
        source = f"{_endpoint()}/{pin.repository}"
        store.write_origin(new, pin.name, hashes, card_in, source=source, revision=pin.revision)
    partial.rmdir()
    return pin.name


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def _list_files(pin: Pin) -> Sequence[_Listed]:
    """List what belongs to the model at the pinned revision, small files first."""
    from huggingface_hub import HfApi

    where = f"{pin.repository} at revision {pin.revision}"
    weights = dict(pin.weights)
    try:
        with _Sentences(pin):
            info = HfApi(endpoint=_endpoint(), token=False).model_info(
                pin.repository, revision=pin.revision, files_metadata=True, timeout=_TIMEOUT_S
            )
        files = [
            _Listed(entry.rfilename, _size(entry.size), entry.blob_id or "", entry.lfs.sha256 if entry.lfs else "")
            for entry in info.siblings or ()
            if entry.rfilename in weights or (is_part(entry.rfilename) and not entry.rfilename.startswith("models/"))
        ]
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:  # of an answer that is no list of files
        raise DownloadError(
            f"{where}: {_endpoint()} answered with something else than a list of files; {_IN_BETWEEN} "
            "Nothing was fetched."
        ) from error
    if any(file.size < 0 for file in files):
        raise DownloadError(f"{where}: {_endpoint()} does not list how large its files are. Nothing was fetched.")
    if len(files) > _MOST_FILES or sum(file.size for file in files) > _LARGEST:
        raise DownloadError(
            f"{where}: more than {_MOST_FILES:,} files or {_LARGEST // 2**30} GB are listed. Nothing was fetched."
        )
    if missing := sorted(set(weights) - {file.path for file in files}):
        raise DownloadError(f"{where} holds no {' and no '.join(missing)}. Nothing was fetched.")
    for file in files:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or "\\" in file.path or ":" in file.path:
            raise DownloadError(f"{where}: the path {file.path!r} leads out of its folder. Nothing was fetched.")
        pinned = weights.get(file.path)
        if pinned is None and file.size > _LARGEST_TEXT:
            raise DownloadError(f"{where}: {file.path} is {file.size} bytes, and nothing is pinned for it.")
        if pinned is not None and file.sha256 and file.sha256 != pinned:
            raise DownloadError(
                f"{where}: {file.path} there has the sha256 {file.sha256}, but {pinned} is pinned. "
                "These are other weights; nothing was fetched."
            )
    return sorted(files, key=lambda file: (file.size, file.path))


def _size(listed: object) -> int:
    """Bytes, negative where what is listed is no number of bytes."""
    return listed if isinstance(listed, int) else -1


def _fetch(pin: Pin, file: _Listed, target: Path, progress: Progress) -> None:
    """Fetch what is missing of one file."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _Counted(target, file.size, progress) as out:
            if out.tell() < file.size:
                with _Sentences(pin):
                    http_get(
                        hf_hub_url(pin.repository, file.path, revision=pin.revision, endpoint=_endpoint()),
                        out,
                        resume_size=out.tell(),
                        headers=build_hf_headers(token=False, library_name="napari-lesion"),
                        expected_size=file.size,
                        tqdm_class=_no_bar(),
                    )
    except _TooLong:
        _refuse_page(pin, file, target)
        target.unlink()
        raise DownloadError(
            f"{pin.repository}: more than the {file.size:,} bytes came that are listed for {file.path}. It was deleted "
            "unopened. Run the same command again; if that does not help, do not use this model."
        ) from None
    except DownloadError:
        _refuse_page(pin, file, target)
        raise


class _TooLong(Exception):  # noqa: N818 - becomes a sentence where the file's name is known
    """More came than was listed."""


def _refuse_page(pin: Pin, file: _Listed, path: Path) -> None:
    """Note that what came is a web page, and delete it: nothing can go on from there."""
    with path.open("rb") as content:
        is_page = _PAGE.match(content.read(200)) is not None
    if is_page and not file.path.endswith((".html", ".xml", ".svg", ".md")):
        path.unlink()
        raise DownloadError(f"{pin.repository}: a web page came in place of {file.path}; {_IN_BETWEEN}")


class _Counted(io.FileIO):
    """A file that is written on from its end and reports how long it is."""

    def __init__(self, path: Path, size: int, progress: Progress) -> None:
        super().__init__(path, "r+" if path.exists() else "x+")
        self._size, self._progress = size, progress
        if self.seek(0, io.SEEK_END) > size:
            self.seek(0)
            self.truncate()

    def write(self, data: object) -> int:
        """Write, then report; an error there keeps what was written.

        Raises
        ------
        _TooLong
            If it would become longer than it should; nothing is written then.
        """
        if self.tell() + len(data) > self._size:  # type: ignore[arg-type]
            if not self.tell():  # what it is can be told by its beginning
                super().write(bytes(data)[:200])  # type: ignore[call-overload]
            raise _TooLong
        written = super().write(data)  # type: ignore[arg-type]
        self._progress(self.tell(), self._size, "")
        return written


def _check(pin: Pin, file: _Listed, path: Path, pinned: str | None) -> str:
    """Return the sha256 of a fetched file, after comparing its hash with what is pinned or listed.

    A file that is wrong is deleted, so that the next call fetches it again.
    """
    digest, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            blob.update(chunk)  # git's own name of the content
    sha256 = digest.hexdigest()
    pinned = pinned or file.sha256
    if not (sha256 == pinned if pinned else blob.hexdigest() == file.blob):
        _refuse_page(pin, file, path)
        path.unlink()
        raise DownloadError(
            f"{pin.repository}: {file.path} came damaged or was changed: sha256 {sha256}"
            + (f", but {pinned} is expected. " if pinned else ". ")
            + "It was deleted unopened. Run the same command again; if that does not help, do not use this model."
        )
    return sha256


_IN_BETWEEN = (
    "a login page, a proxy or a mirror that is none seems to stand in between. Open the address in a browser, or unset "
    "HF_ENDPOINT."
)


class _Sentences:
    """Turns what the hub's client raises into sentences."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from huggingface_hub import errors

        where = f"{self._pin.repository} at revision {self._pin.revision}"
        again = "What was fetched so far is kept: run the same command again to go on."
        elsewhere = (
            "Or fetch the model on a machine with a network, and add its folder with `napari-lesion models add FOLDER`."
        )
        if isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError | errors.EntryNotFoundError):
            raise DownloadError(f"{_endpoint()} has no {where}, or not for everybody. Nothing was fetched.") from error
        if isinstance(error, errors.HfHubHTTPError):
            status = error.response.status_code
            raise DownloadError(f"{where}: {_endpoint()} answered with status {status}. {again} {elsewhere}") from error
        if isinstance(error, errors.OfflineModeIsEnabled):
            raise DownloadError(
                f"{where} cannot be fetched: HF_HUB_OFFLINE is set, so the network is not used. Unset it. {elsewhere}"
            ) from error
        if isinstance(error, OSError | errors.HTTPError):  # type: ignore[attr-defined]
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise DownloadError(
                f"{where} cannot be fetched: {_endpoint()} cannot be reached, or the connection broke ({reason}). "
                f"Check the network and its proxy (HTTPS_PROXY). {again} {elsewhere}"
            ) from error


def _scaled(progress: Progress, before: int, total: int, name: str) -> Progress:
    def inner(done: int, _size: int, _what: str) -> None:
        progress(before + done, total, f"fetching {name}")

    return inner


def _no_bar() -> type:
    """Class of a progress bar that does not show: progress is reported by the file."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    class NoBar(tqdm):  # type: ignore[misc]
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **{**options, "disable": True})

    return NoBar

"""Encrypt a folder of work (reviews, annotations, results), and change who can open it.

Each file is replaced by its sealed form, or back, as a whole, so that a run that is stopped or killed leaves a folder
that can be read, and goes on when it is started again.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import FILE as MEMBERS
from napari_lesion.security.roles import May, require
from napari_lesion.support import encrypted_database as databases
from napari_lesion.support import sealed, vault
from napari_lesion.support.atomic import PREFIX, PRIVATE_FILE, put_right, whole_file
from napari_lesion.support.errors import ConfigError, OptionError, SecurityError
from napari_lesion.support.journal_file import HEAD
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.vault import Vault

Convert = Callable[[Path], None]
"""Writes what takes the place of a file to a temporary path."""
_JOURNAL, _LOCK, _DAMAGED = ".jsonl", ".lock", ".damaged"


def make_identity(path: Path | None = None) -> tuple[Path, str]:
    """Make the identity (secret key) that opens projects, for its user alone; returns its file and the recipient.

    Raises
    ------
    ConfigError
        If there is one already, or it cannot be written.
    """
    path = path or vault.identity_file()
    identity = sealed.library("pyrage").x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"# recipient: {public}\n{identity}\n")
    except FileExistsError:
        raise ConfigError(f"{path} exists. No key is overwritten: what it opens would be lost.") from None
    except OSError as error:
        raise ConfigError(f"{path}: the identity cannot be written ({error.strerror}).") from error
    return path, public


def encrypt(
    folder: Path, recipients: Sequence[str], *, passphrase: str | None = None, progress: Progress = silent
) -> int:
    """Encrypt a folder with all that is in it; what is written there from then on is encrypted, too.

    Parameters
    ----------
    folder : Path
    recipients : sequence of str
        Who can open it: public keys of age.
    passphrase : str, optional
        That opens it as well.

    Returns
    -------
    int
        Files that were sealed now. An encrypted folder is gone through again: what came in unencrypted is sealed.

    Raises
    ------
    SecurityError
        If there is no recipient, one is none, or the folder lies in an encrypted one.
    """
    require(May.KEYS, folder)
    above = vault.folder_of(folder.resolve().parent)
    if above is not None:
        raise SecurityError(f"{folder} lies in {above}, which is encrypted already.")
    record(Action.KEY_USE, objects=(folder.name,), detail="encrypt")
    if vault.folder_of(folder) is None:
        if not recipients and passphrase is None:
            raise OptionError("Say who can open it: a recipient (age1...) or a passphrase.")
        there = write(Vault(folder.resolve(), tuple(dict.fromkeys(recipients)), {}, {}).with_new_key(), passphrase)
        if passphrase is None:
            _refuse_to_lock_oneself_out(there)
    elif recipients or passphrase is not None:
        raise OptionError(f"{folder} is encrypted already. Change who can open it: napari-lesion project recipients")
    else:
        there = _open(folder)
    return _convert(folder, lambda path: _sealed(path, there), progress)


def decrypt(folder: Path, *, progress: Progress = silent) -> int:
    """Take the encryption of a folder away; returns how many files were opened."""
    there = _open(folder)
    record(Action.KEY_USE, objects=(folder.name,), detail="decrypt")
    count = _convert(folder, lambda path: _plain(path, there), progress)
    (there.folder / vault.FILE).unlink()
    return count


def decrypt_file(path: Path, out: Path) -> None:
    """Write the content of one encrypted file elsewhere, whole or not at all.

    Raises
    ------
    SecurityError
        If it does not open.
    ConfigError
        If ``out`` exists, or lies in an encrypted folder.
    """
    if out.exists():
        raise ConfigError(f"{out} exists. Choose another name, nothing is overwritten.")
    if vault.folder_of(out) is not None:
        raise ConfigError(f"{out} lies in an encrypted folder. Choose a place outside of it.")
    record(Action.KEY_USE, objects=(path.name,), detail="decrypt a file")
    require(May.KEYS, path)
    found = content_of(path)
    with whole_file(out, private=True) as temporary:
        temporary.write_bytes(found)


def rotate(folder: Path, *, progress: Progress = silent) -> int:
    """Seal all files anew with a new key, and forget the old ones; returns how many files there were.

    A run that was killed has left files with both keys; the next one brings them all to its own.
    """
    there = _open(folder)
    record(Action.KEY_USE, objects=(folder.name,), detail="rotate")
    _refuse_lost_passphrase(there)
    there = write(there.with_new_key(), _same_passphrase(there))
    count = _convert(folder, lambda path: _resealed(path, there), progress)
    newest = max(there.keys)
    write(replace(there, keys={newest: there.keys[newest]}), _same_passphrase(there))
    return count


def change_recipients(
    folder: Path, *, add: Iterable[str] = (), remove: Iterable[str] = (), progress: Progress = silent
) -> Vault:
    """Change who can open a folder. Where somebody is taken away, all is sealed anew: they may know the keys.

    Raises
    ------
    SecurityError
        If one is no recipient, or nobody could open it any more.
    """
    there, add, gone = _open(folder), tuple(add), set(remove)
    if not add and not gone:
        return there
    if unknown := gone - set(there.recipients):
        raise SecurityError(f"{folder}: {sorted(unknown)[0]} is not one of its recipients.")
    wanted = tuple(dict.fromkeys(one for one in (*there.recipients, *add) if one not in gone))
    if not wanted and "passphrase" not in there.wrapped:
        raise SecurityError(f"{folder}: nobody could open it any more. Add another recipient first.")
    record(Action.KEY_USE, objects=(folder.name,), detail="change recipients")
    _refuse_lost_passphrase(there)
    there = write(replace(there, recipients=wanted), _same_passphrase(there))
    if gone:
        rotate(folder, progress=progress)
    return _open(folder)


def write(there: Vault, passphrase: str | None = None) -> Vault:
    """Write the file of an encrypted folder, with its keys wrapped for all who can open it."""
    plain = json.dumps({str(number): base64.b64encode(key).decode() for number, key in there.keys.items()}).encode()
    wrapped = {}
    if there.recipients:
        known = [vault.recipient(one) for one in there.recipients]
        wrapped["age"] = base64.b64encode(sealed.library("pyrage").encrypt(plain, known)).decode()
    if passphrase is not None:
        salt = os.urandom(16)
        box = sealed.seal(plain, {1: vault.stretched(passphrase, salt)})
        wrapped["passphrase"] = base64.b64encode(salt + box).decode()
    content = {"vault": vault.VERSION, "recipients": there.recipients, "keys": wrapped}
    with whole_file(there.folder / vault.FILE, private=True, as_it_is=True) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return replace(there, wrapped=wrapped)


def _same_passphrase(there: Vault) -> str | None:
    return vault.own_passphrase() if "passphrase" in there.wrapped else None


def _refuse_lost_passphrase(there: Vault) -> None:
    if "passphrase" in there.wrapped and vault.own_passphrase() is None:
        raise SecurityError(
            f"{there.folder} opens by a passphrase, too, which is needed to go on doing so: name its file "
            f"({vault.PASSPHRASE_VARIABLE})."
        )


def _refuse_to_lock_oneself_out(there: Vault) -> None:
    try:
        _open(there.folder)
    except (SecurityError, ConfigError) as error:
        (there.folder / vault.FILE).unlink()
        raise SecurityError(
            f"{there.folder}: you could not open it yourself with what you have, so nothing was encrypted. Make an "
            "identity (napari-lesion project identity) and name its recipient, too."
        ) from error


def _open(folder: Path) -> Vault:
    require(May.KEYS, folder)
    if vault.folder_of(folder) != folder.resolve():
        raise SecurityError(f"{folder} is not encrypted: it has no {vault.FILE}.")
    there = vault.vault_of(folder)
    assert there is not None
    return there


def files_of(folder: Path) -> list[Path]:
    """Files of a folder that hold data: no locks, no heads, nothing that is just being written."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and path.name not in (vault.FILE, MEMBERS)
        and not path.name.endswith((_LOCK, HEAD))
        and not _is_companion(path)
        and not any(part.startswith(PREFIX) for part in path.relative_to(folder).parts)
    )


def _is_companion(path: Path) -> bool:
    """Whether a file is what SQLite keeps beside another one while it is worked on."""
    endings = (one for one in databases.COMPANIONS if path.name.endswith(one))
    return any(path.with_name(path.name.removesuffix(one)).is_file() for one in endings)


def _convert(folder: Path, convert: Callable[[Path], Convert | None], progress: Progress) -> int:
    """Replace each file by what a function makes of it (None: it stays), unless a journal is being written."""
    for parent in {path.parent for path in folder.rglob(f"{PREFIX}*")}:
        put_right(parent)
    files = files_of(folder)
    done = 0
    for number, path in enumerate(files):
        progress(number, len(files), f"going through {folder.name}")
        with _held(path):
            content = convert(path)
            if content is not None:
                with whole_file(path, private=True, as_it_is=True) as temporary:
                    content(temporary)
                done += 1
    progress(len(files), len(files), f"{done} files")
    return done


def _writing(content: bytes) -> Convert:
    def write_it(target: Path) -> None:
        target.write_bytes(content)

    return write_it


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock of a journal, so that no window writes to it meanwhile."""
    if path.suffix != _JOURNAL:
        yield
        return
    lock = FileLock(f"{path}{_LOCK}", mode=PRIVATE_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise SecurityError(f"{path} is open in another window. Close it there, then run this again.") from error
    try:
        yield
    finally:
        lock.release()


def _has_lines(path: Path, content: bytes) -> bool:
    """Whether a file is a journal, or one that was kept beside, which is sealed line by line."""
    kept = path.suffix.startswith(_DAMAGED) and sealed.is_sealed_line(content)
    return path.suffix == _JOURNAL or kept


def _sealed(path: Path, there: Vault) -> Convert | None:
    if databases.is_plain(path):
        return lambda target: databases.encrypt(path, target, there)
    content = None if databases.is_encrypted(path, there) else _sealed_content(path, there)
    return None if content is None else _writing(content)


def _sealed_content(path: Path, there: Vault) -> bytes | None:
    content = path.read_bytes()
    if not _has_lines(path, content):
        return None if sealed.is_sealed(content) else there.seal(content)
    lines = content.split(b"\n")
    if all(sealed.is_sealed_line(line) for line in lines if line):
        return None
    return b"\n".join(there.seal_line(one) if one and not sealed.is_sealed_line(one) else one for one in lines)


def _plain(path: Path, there: Vault) -> Convert | None:
    if databases.is_encrypted(path, there):
        return lambda target: databases.decrypt(path, target, there)
    content = _plain_content(path, there)
    return None if content is None else _writing(content)


def _plain_content(path: Path, there: Vault) -> bytes | None:
    content = path.read_bytes()
    if _has_lines(path, content):
        found = b"\n".join(_opened_lines(path, content, there))
        return None if found == content else found
    return vault.opened(content, path) if sealed.is_sealed(content) else None


def _resealed(path: Path, there: Vault) -> Convert | None:
    if databases.is_plain(path) or databases.is_encrypted(path, there):
        newest = not databases.is_plain(path) and databases.has_newest_key(path, there)
        return None if newest else lambda target: databases.encrypt(path, target, there)
    content = _resealed_content(path, there)
    return None if content is None else _writing(content)


def _resealed_content(path: Path, there: Vault) -> bytes | None:
    content, newest = path.read_bytes(), max(there.keys)
    if not _has_lines(path, content):
        return None if sealed.key_number(content) == newest else there.seal(vault.opened(content, path))
    if all(sealed.line_key_number(line) == newest for line in content.split(b"\n") if line):
        return None
    lines = _opened_lines(path, content, there)
    return b"\n".join(there.seal_line(one) if one and not sealed.is_sealed_line(one) else one for one in lines)


def _opened_lines(path: Path, content: bytes, there: Vault) -> list[bytes]:
    """Open the lines of a journal; of one that was kept beside as damaged, what does not open stays as it is."""
    found = []
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            found.append(there.unseal_line(line))
        except sealed.UnsealError as error:
            if path.suffix.startswith(_DAMAGED):
                found.append(line)
                continue
            raise SecurityError(
                f"{path}: line {number} does not open: {error}. Open its scan first, which keeps what is whole of it."
            ) from error
    return found


def content_of(path: Path) -> bytes:
    """Read a file, opened where it lies encrypted.

    Raises
    ------
    SecurityError
        If it does not open.
    """
    content = path.read_bytes()
    there = vault.vault_of(path)
    if there is not None and databases.is_encrypted(path, there):
        return databases.decrypted(path, there)
    if there is not None and _has_lines(path, content):
        return b"\n".join(_opened_lines(path, content, there))
    return vault.opened(content, path)

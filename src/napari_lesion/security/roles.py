"""Who may do what in a shared folder: roles by login, in a file that an administrator has signed.

A folder with `FILE` is shared, and so is all below it. `require` is asked where files are written and keys are used;
what is not allowed is an error, and stands in the audit log. A file that no trusted key has signed lets nobody do
anything. Without the file, there are no roles. It binds this program; what stops other programs are the permissions of
the file system.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_lesion.security import signing
from napari_lesion.security.audit import Action, record
from napari_lesion.security.who import login
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import ConfigError, SecurityError

FILE = ".napari-lesion-members.json"
_PURPOSE = "napari-lesion members, signature 1"


class Role(StrEnum):
    """What somebody is in a shared folder."""

    READER = "reader"
    RESEARCHER = "researcher"
    DATA_MANAGER = "data manager"
    ADMIN = "admin"


class May(StrEnum):
    """What somebody may do, as the end of a sentence: they may not ..."""

    REVIEW = "review findings"
    ANNOTATE = "annotate"
    SEE_OTHERS = "see what others have marked"
    EXPORT = "write reports and exports"
    SEE_RUNS = "see figures of runs"
    DE_IDENTIFY = "de-identify, or use that key"
    KEYS = "encrypt, decrypt, or change keys"
    MEMBERS = "change who may do what"


_ALLOWED: Mapping[Role, frozenset[May]] = {
    Role.READER: frozenset({May.REVIEW, May.ANNOTATE}),
    Role.RESEARCHER: frozenset({May.REVIEW, May.ANNOTATE, May.SEE_OTHERS, May.EXPORT}),
    Role.DATA_MANAGER: frozenset({May.SEE_OTHERS, May.EXPORT, May.SEE_RUNS, May.DE_IDENTIFY, May.KEYS}),
    Role.ADMIN: frozenset(May),
}


class NotAllowedError(SecurityError):
    """Somebody may not do what they asked for."""


@dataclass(frozen=True)
class Member:
    """Somebody who works in a shared folder.

    Attributes
    ----------
    role : Role
    reader : str
        Name under which they mark and review; empty: any. Who may not see what others marked needs one.
    """

    role: Role
    reader: str = ""


def allows(role: Role, what: May) -> bool:
    """Whether a role may do something."""
    return what in _ALLOWED[role]


def folder_of(path: Path) -> Path | None:
    """Find the shared folder that a file is in; None where it is in none."""
    absolute = path.resolve()
    return next((one for one in (absolute, *absolute.parents) if (one / FILE).exists()), None)


def require(what: May, path: Path) -> None:
    """Refuse what the user may not do with a file, or with what would be written there.

    Raises
    ------
    NotAllowedError
        If they may not.
    SecurityError
        If the file with the members is damaged, or signed by nobody who is trusted.
    """
    folder = folder_of(path)
    if folder is None:
        return
    member = members(folder).get(login())
    if member is None:
        _refuse(f"{login()} is not one of its members, so they may not {what}", folder)
    elif not allows(member.role, what):
        _refuse(f"{login()} is {member.role} there, and may not {what}", folder)


def require_own(reader: str, path: Path) -> None:
    """Refuse the marks of another reader to who may not see what others have marked.

    Raises
    ------
    NotAllowedError
        If they may not.
    """
    own = own_name(path)
    if own is not None and reader.strip() != own:
        _refuse(f"{login()} reads there as {own!r}, and may not {May.SEE_OTHERS}", folder_of(path) or path)


def own_name(path: Path) -> str | None:
    """Give the only reader whose marks the user may see and make in a shared folder; None where there is no such rule.

    Raises
    ------
    NotAllowedError
        If they are no member.
    SecurityError
        If the file with the members is damaged, or signed by nobody who is trusted.
    """
    folder = folder_of(path)
    if folder is None:
        return None
    member = members(folder).get(login())
    if member is None:
        _refuse(f"{login()} is not one of its members", folder)
        return None
    return None if allows(member.role, May.SEE_OTHERS) else member.reader


def members(folder: Path) -> dict[str, Member]:
    """Read who works in a shared folder: login → member.

    Raises
    ------
    SecurityError
        If the file is damaged, for another folder, or signed by nobody who is trusted.
    """
    path = folder / FILE
    wrong = f"{path}, which says who may do what there,"
    try:
        content = parse_json(path.read_bytes())
        said = {str(name): Member(Role(one["role"]), str(one["reader"])) for name, one in content["members"].items()}
        made_for, key, signature = str(content["folder"]), str(content["key"]), str(content["signature"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SecurityError(
            f"{wrong} is damaged, so nobody may do anything. Have an administrator write it anew."
        ) from error
    if not signing.is_signed(_text(said, made_for), key, signature):
        raise SecurityError(
            f"{wrong} is not signed by a trusted key, or was changed since, so nobody may do anything. Trusted "
            f"keys are in {signing.trusted_folder()}."
        )
    if made_for != folder.resolve().name:
        raise SecurityError(f"{wrong} was made for a folder {made_for!r}, so nobody may do anything.")
    return said


def change_members(folder: Path, key: Path, changes: Mapping[str, Member | None]) -> dict[str, Member]:
    """Change who works in a shared folder, and sign it; a folder without members becomes a shared one.

    Parameters
    ----------
    folder : Path
    key : Path
        Of an administrator (`signing.make_key`); where there are members already, it must be a trusted one.
    changes : mapping
        Login → member, or None for who goes.

    Raises
    ------
    NotAllowedError
        If the user is no administrator.
    ConfigError
        If a reader has no name, or there would be no administrator.
    """
    there = members(folder) if (folder / FILE).exists() else {}
    if there:
        require(May.MEMBERS, folder)
    wanted = {name: one for name, one in {**there, **changes}.items() if one is not None}
    for name, one in wanted.items():
        if not allows(one.role, May.SEE_OTHERS) and not one.reader.strip():
            raise ConfigError(f"{name}: say under which name this reader marks: LOGIN=reader:NAME.")
    if not any(one.role is Role.ADMIN for one in wanted.values()):
        raise ConfigError(f"{folder}: there would be no admin, so nobody could change anything any more.")
    record(Action.KEY_USE, objects=(folder.name,), detail="members changed")
    name = folder.resolve().name
    identity, signature = signing.sign_text(_text(wanted, name), key)
    if not signing.is_signed(_text(wanted, name), identity, signature):
        raise ConfigError(
            f"{key}: this key is not among the trusted ones in {signing.trusted_folder()}, so nobody could do "
            "anything. Trust it first: napari-lesion models trust"
        )
    content = {**json.loads(_text(wanted, name)), "key": identity, "signature": signature}
    del content["purpose"]
    try:
        with whole_file(folder / FILE, as_it_is=True) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SecurityError(f"{folder / FILE} cannot be written ({error.strerror}).") from error
    return wanted


def _text(said: Mapping[str, Member], folder: str) -> str:
    """Put into words what is signed."""
    content = {name: {"role": one.role.value, "reader": one.reader} for name, one in said.items()}
    return json.dumps({"purpose": _PURPOSE, "folder": folder, "members": content}, sort_keys=True)


def _refuse(why: str, folder: Path) -> None:
    record(Action.REFUSE, objects=(folder.name,), detail=why, failed=True)
    raise NotAllowedError(f"{folder}: {why}. An admin of the folder can change that.")

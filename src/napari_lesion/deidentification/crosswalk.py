"""Who is who: pseudonyms and UIDs, and what they stand for; encrypted, beside the key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_lesion.deidentification.keys import Key, seal, unseal
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.vault import read_bytes

_PURPOSE = "crosswalk"


@dataclass(frozen=True)
class Crosswalk:
    """What pseudonyms and new UIDs stand for."""

    patients: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    """Pseudonym → PatientID, name, and the days by which dates were moved."""
    uids: dict[str, str] = field(default_factory=dict, repr=False)
    """New UID → old UID."""

    def joined(self, other: Crosswalk) -> Crosswalk:
        """Add what another one knows."""
        return Crosswalk(self.patients | other.patients, self.uids | other.uids)


def place_of(key: Path) -> Path:
    """Where the crosswalk of a key file lies."""
    return key.with_name(f"{key.name}.crosswalk")


def read_crosswalk(path: Path, key: Key) -> Crosswalk:
    """Open a crosswalk; an empty one where there is no file."""
    if not path.exists():
        return Crosswalk()
    text = unseal(key, _PURPOSE, read_bytes(path), path)
    return Crosswalk(text["patients"], text["uids"])


def write_crosswalk(path: Path, key: Key, crosswalk: Crosswalk) -> None:
    """Encrypt a crosswalk, and put it in the place of the one that is there."""
    with whole_file(path, private=True) as temporary:
        temporary.write_bytes(seal(key, _PURPOSE, {"patients": crosswalk.patients, "uids": crosswalk.uids}))

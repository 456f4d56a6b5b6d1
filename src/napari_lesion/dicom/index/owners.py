"""Whose planes are whose: one patient, one study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

from napari_lesion.dicom.index.frames import Owner


def by_owner(owners: Iterable[Owner]) -> list[list[Owner]]:
    """Put together what headers say of one patient and study.

    A header that leaves something out agrees with all that say the same otherwise, if there is only one such; what is
    said differently is another patient or study.

    Returns
    -------
    list of list of Owner
        Those who say most first.
    """
    together: list[list[Owner]] = []
    for owner in sorted(set(owners), key=lambda one: (sum(not value for value in astuple(one)), astuple(one))):
        fitting = [group for group in together if all(_agree(owner, other) for other in group)]
        if len(fitting) == 1:
            fitting[0].append(owner)
        else:
            together.append([owner])
    return together


def _agree(one: Owner, other: Owner) -> bool:
    return all(a == b or not a or not b for a, b in zip(astuple(one), astuple(other), strict=True))

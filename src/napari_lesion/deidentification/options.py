"""What a de-identification keeps and cleans, and the codes that say so in what it writes (PS3.16, CID 7050)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from napari_lesion.support.errors import OptionError

RETAIN = ("dates-shifted", "patient-characteristics", "device", "institution", "safe-private", "uids")
CLEAN = ("descriptors", "faces", "graphics", "pixels", "structured-content")
PROFILES = ("basic",)

_CODES = {
    "clean_pixels": ("113101", "Clean Pixel Data Option"),
    "clean_faces": ("113102", "Clean Recognizable Visual Features Option"),
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_structured_content": ("113104", "Clean Structured Content Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "retain_dates_shifted": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "retain_patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "retain_device": ("113109", "Retain Device Identity Option"),
    "retain_uids": ("113110", "Retain UIDs Option"),
    "retain_safe_private": ("113111", "Retain Safe Private Option"),
    "retain_institution": ("113112", "Retain Institution Identity Option"),
}
_PROFILE = ("113100", "Basic Application Confidentiality Profile")


@dataclass(frozen=True)
class Options:
    """Options of PS3.15, E.3, on top of the basic profile."""

    retain_dates_shifted: bool = False
    """Dates stay, moved by the same number of whole days for all of a patient; times of day stay."""
    retain_patient_characteristics: bool = False
    retain_device: bool = False
    retain_institution: bool = False
    retain_safe_private: bool = False
    """Private attributes that PS3.15, E.3.10 names as safe, where they hold numbers."""
    retain_uids: bool = False
    clean_descriptors: bool = False
    """Descriptions keep words that are in a list of words which name nobody."""
    clean_faces: bool = False
    """The face in CT of heads is made air, and other images of heads are left out; without it, faces are only named."""
    clean_graphics: bool = False
    clean_pixels: bool = False
    """Text in pixels is masked; without it, an image with text is left out."""
    clean_structured_content: bool = False
    """Text in structured reports keeps words, as descriptions do; without it, a dummy takes its place."""

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """Code values and meanings of the profile and all options, of the scheme DCM."""
        return (_PROFILE, *(code for name, code in _CODES.items() if getattr(self, name)))

    @property
    def names(self) -> tuple[str, ...]:
        """Options that are on, as the command line has them, such as "retain dates-shifted"."""
        on = [one.name for one in fields(self) if getattr(self, one.name)]
        return tuple(name.replace("_", " ", 1).replace("_", "-") for name in on)


def options_of(retain: Iterable[str], clean: Iterable[str], profile: str = "basic") -> Options:
    """Read options as the command line has them.

    Raises
    ------
    OptionError
        If one is not known.
    """
    if profile not in PROFILES:
        raise OptionError(f"There is no profile {profile}; there is: {', '.join(PROFILES)}.")
    on: dict[str, bool] = {}
    for kind, asked, known in (("retain", retain, RETAIN), ("clean", clean, CLEAN)):
        for name in asked:
            if name not in known:
                raise OptionError(f"--{kind} does not know {name}; it knows: {', '.join(known)}.")
            on[f"{kind}_{name.replace('-', '_')}"] = True
    return Options(**on)

"""Small studies for archives."""

from __future__ import annotations

import dicom_factory as factory
import pydicom
from pydicom.uid import UID, JPEGLSLossless

PHANTOM = factory.asymmetric_phantom(shape=(6, 20, 16), noise_hu=60)


def slices(name: str = "ct", syntax: UID = JPEGLSLossless, **values: object) -> list[pydicom.Dataset]:
    """A CT series of six small slices, with these values in each."""
    made = [factory.encode(one, syntax) for one in factory.ct_slices(PHANTOM, name)]
    for one in made:
        for keyword, value in values.items():
            setattr(one, keyword, value)
    return made

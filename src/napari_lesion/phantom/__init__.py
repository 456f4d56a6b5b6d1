"""Synthetic chest CT with known nodules, written as real DICOM."""

from napari_lesion.phantom.anatomy import Pose
from napari_lesion.phantom.nodules import Nodule, PlacedNodule
from napari_lesion.phantom.scan import Scanner, make_scan

__all__ = ["Nodule", "PlacedNodule", "Pose", "Scanner", "make_scan"]

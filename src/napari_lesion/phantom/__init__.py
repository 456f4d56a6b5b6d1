"""Synthetic chest CT with known nodules, written as real DICOM."""

from napari_lesion.phantom.anatomy import Pose
from napari_lesion.phantom.nodules import Nodule, PlacedNodule
from napari_lesion.phantom.scan import Scanner, make_scan
from napari_lesion.phantom.study import StudySeries, make_study

__all__ = ["Nodule", "PlacedNodule", "Pose", "Scanner", "StudySeries", "make_scan", "make_study"]

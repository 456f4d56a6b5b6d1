"""Synthetic chest CT with known nodules, written as real DICOM."""

from napari_lesion.phantom.anatomy import Pose
from napari_lesion.phantom.nodules import PhantomNodule, PlacedNodule
from napari_lesion.phantom.scan import Scanner, make_scan
from napari_lesion.phantom.study import StudySeries, make_study

__all__ = ["PhantomNodule", "PlacedNodule", "Pose", "Scanner", "StudySeries", "make_scan", "make_study"]

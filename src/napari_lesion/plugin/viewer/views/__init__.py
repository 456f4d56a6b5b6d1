"""Axial, coronal, sagittal and 3D views of one viewer, linked by a crosshair. Start at `mpr.views`."""

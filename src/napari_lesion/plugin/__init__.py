"""The napari plugin: the only package that imports napari or qtpy."""

"""The data of an installed napari-lesion: ``napari.yaml`` and ``sample_dicoms``.

Not used from here: building puts this file, as ``__init__.py``, with the data into a package of its own (see
``force-include`` in pyproject.toml). Without it that would be a namespace package, which importlib.resources
gives no plain path for.
"""

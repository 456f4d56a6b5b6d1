"""Every error that napari-lesion raises on purpose.

A message is a sentence that says what is wrong, where (series, file) and what to do. Anything else that
escapes is a bug.
"""

from __future__ import annotations


class LesionError(Exception):
    """Base of all errors that a user can act on."""


class SeriesError(LesionError):
    """A path holds no readable series, or its headers cannot be used."""


class UnitError(SeriesError):
    """The values of a CT may not be HU; they are taken as such where a person says so."""


class GeometryError(LesionError):
    """A series cannot be placed in space without guessing."""


class GapsError(GeometryError):
    """Slices are missing, uneven or without a place; they can be interpolated where a person asks for that."""


class DecodeError(LesionError):
    """The pixel data of a file cannot be decoded."""


class LungsNotFoundError(LesionError):
    """No lung is in view, so nothing was searched."""


class ModelError(LesionError):
    """A model pack is missing, damaged or does not fit."""


class UntrustedCodeError(ModelError):
    """A bundle does not run without code of its own, and the user did not say that it may."""


class ConfigError(LesionError):
    """A configuration or input table is wrong."""


class ResultsError(LesionError):
    """Results cannot be written any more, though at first they could."""


class AnnotationError(LesionError):
    """An annotation cannot be made, changed or kept as asked for."""


class NothingToSaveError(AnnotationError):
    """There is nothing of the kind that was to be saved, as in a scan without findings: no failure."""


class ReadingError(LesionError):
    """Something that cannot happen in a reading study, or a file of one that cannot be trusted."""


class DownloadError(LesionError):
    """Sample data or a model cannot be fetched from where it is published."""


class PacsError(LesionError):
    """An archive cannot be reached, refuses what it is asked for, or does not do what it said."""


class Cancelled(Exception):  # noqa: N818 - not an error: raised by a progress callback to stop the work
    """Raised inside a progress callback to stop the work at the next step."""

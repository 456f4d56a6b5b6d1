"""Every error that napari-lesion raises on purpose.

A message is a sentence that says what is wrong, where (series, file) and what to do. Anything else that
escapes is a bug.
"""

from __future__ import annotations

from typing import ClassVar


class LesionError(Exception):
    """Base of all errors that a user can act on."""

    exit_status: ClassVar[int] = 1
    """Of a command that ends with it."""


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
    """A model package is missing, damaged or does not fit."""

    exit_status = 2


class UntrustedCodeError(ModelError):
    """A bundle does not run without code of its own, and the user did not say that it may."""


class ConfigError(LesionError):
    """What was asked for or given cannot be used, so nothing was started. Its kinds say what it is."""

    exit_status = 2


class OptionError(ConfigError):
    """An option or argument makes no sense, alone or beside the others."""


class ConfigFileError(ConfigError):
    """A configuration file is wrong, or asks for what cannot be done."""


class InputFileError(ConfigError):
    """A table, a result or another file that was given cannot be read, or says what cannot be."""


class OutputError(ConfigError):
    """Results or a journal cannot be written where they should be."""


class ReviewError(ConfigError):
    """Something that cannot be done with findings or their review now, or a journal of one that is damaged."""


class ResultsError(LesionError):
    """Results cannot be written any more, though at first they could."""


class AnnotationError(LesionError):
    """An annotation cannot be made, changed or kept as asked for."""


class NothingToSaveError(AnnotationError):
    """There is nothing of the kind that was to be saved, as in a scan without findings: no failure."""


class ReadingError(LesionError):
    """Something that cannot happen in a reading study, or a file of one that cannot be trusted."""


class WorklistError(LesionError):
    """Something that cannot be done with a study on the worklist now: somebody else has it open."""


class DownloadError(LesionError):
    """Sample data or a model cannot be fetched from where it is published."""


class PacsError(LesionError):
    """An archive cannot be reached, refuses what it is asked for, or does not do what it said."""


class SecurityError(LesionError):
    """What is protected cannot be opened, is not what was written, or somebody may not do what was asked for."""


class AuditError(SecurityError):
    """The audit log cannot be written or read, so what would have to stand in it is not done."""


class Cancelled(Exception):  # noqa: N818 - not an error: raised by a progress callback to stop the work
    """Raised inside a progress callback to stop the work at the next step."""

    exit_status: ClassVar[int] = 130

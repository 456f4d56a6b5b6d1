"""The libraries that speak DICOM over a network: imported when they are needed, and told what we need of them."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

from napari_lesion.support.errors import ConfigError

_ADVICE = "pip install 'napari-lesion[pacs]'"


def pynetdicom() -> Any:
    """Give pynetdicom, set to send files as they are stored, byte for byte.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    engine = _engine("pynetdicom", "Archives are asked by way of the package pynetdicom")
    settings: Any = import_module("pynetdicom._config")
    settings.STORE_SEND_CHUNKED_DATASET = True
    settings.LOG_HANDLER_LEVEL = "none"
    # What it logs names patients (C-FIND) and comes with each refused association; errors here are sentences.
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    return engine


def dicomweb_client() -> Any:
    """Give dicomweb-client.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    engine = _engine("dicomweb_client", "DICOMweb needs the package dicomweb-client")
    logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL)  # its lines quote URLs, with what was searched for
    return engine


def websockets() -> Any:
    """Give the client of websockets that waits on a thread.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    need = "Events of a worklist that is reached by DICOMweb come by way of the package websockets"
    _engine("websockets", need)
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # its lines quote headers, with the token
    return import_module("websockets.sync.client")


def _engine(name: str, need: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(f"{need}: {_ADVICE}.") from error

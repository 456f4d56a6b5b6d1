"""Which archives there are, and who we are to them: a YAML file that is checked before anything connects."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.secrets import Secret, check_private

ENVIRONMENT = "NAPARI_LESION_PACS"
"""Names the file with the nodes, where it is not at its usual place."""
FILE_NAME = "pacs.yaml"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _ae_title(text: str) -> str:
    if not text.strip() or len(text) > 16 or not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]+", text):
        raise ValueError("an AE title has 1 to 16 characters of ASCII, without a backslash")
    return text.strip()


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("a DICOMweb URL begins with http:// or https:// and names a host")
    if parts.username or parts.password:
        raise ValueError("no name or password stands in a URL, where logs would show it; use user and password")
    return text.rstrip("/")


AETitle = Annotated[str, AfterValidator(_ae_title)]
Url = Annotated[str, AfterValidator(_url)]
Port = Annotated[int, Field(ge=1, le=65535)]
Way = Literal["dimse", "dicomweb"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(_Model):
    """How the other side is known by its certificate, and by which it knows us.

    Attributes
    ----------
    ca : Path, optional
        Certificates that sign those of the other side (PEM); by default those that the system trusts.
    certificate, key : Path, optional
        Ours (PEM); the key only its owner may read.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _has_both(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key come together")
        return self

    def client_context(self) -> ssl.SSLContext:
        """Make the context of who connects.

        Raises
        ------
        ConfigError
            If a file is missing, wrong, or others may read the key.
        """
        return self._context(ssl.Purpose.SERVER_AUTH)

    def server_context(self) -> ssl.SSLContext:
        """Make the context of who is connected to; where ``ca`` is given, clients must have a certificate of it.

        Raises
        ------
        ConfigError
            If there is no certificate, or as for `client_context`.
        """
        if self.certificate is None:
            raise ConfigError("A listener with TLS needs a certificate and its key.")
        context = self._context(ssl.Purpose.CLIENT_AUTH)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        if self.key is not None:
            check_private(self.key.expanduser())
        try:
            context = ssl.create_default_context(purpose, cafile=self.ca.expanduser() if self.ca else None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate is not None and self.key is not None:
                context.load_cert_chain(self.certificate.expanduser(), self.key.expanduser())
        except (OSError, ssl.SSLError) as error:
            named = ", ".join(str(path) for path in (self.ca, self.certificate, self.key) if path)
            raise ConfigError(f"TLS: a certificate or key cannot be used ({error}): {named}.") from error
        return context


class Local(_Model):
    """Who we are: what archives know us by, and where they reach us for C-MOVE and storage commitment."""

    ae_title: AETitle = "LESION"
    address: str = "127.0.0.1"
    """That the listener binds; another one than loopback opens the port to the network."""
    port: Port = 11112
    tls: Tls | None = None


class Node(_Model):
    """An archive, reached by DIMSE (``ae_title``, ``host``, ``port``), by DICOMweb (its URL), or both."""

    ae_title: AETitle | None = None
    host: str | None = None
    port: Port | None = None
    tls: Tls | None = None
    retrieve: Literal["get", "move"] = "get"
    """C-GET comes over our connection; for C-MOVE the archive connects to us, and must know our address."""
    commitment: bool = False
    """Confirm by storage commitment what was sent (the archive must reach us); else by asking for it."""
    sends_as: tuple[AETitle, ...] = ()
    """Its titles where it connects to us, if it has others for that."""
    dicomweb: Url | None = None
    token: Secret | None = None
    """Bearer token."""
    user: str | None = None
    password: Secret | None = None
    prefer: Way | None = None
    """Of both ways; by default DIMSE."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """Without a sign of life, after which we give up."""

    @model_validator(mode="after")
    def _can_be_reached(self) -> Node:
        dimse = (self.ae_title, self.host, self.port)
        if any(dimse) and not all(dimse):
            raise ValueError("DIMSE needs ae_title, host and port")
        if not any(dimse) and self.dicomweb is None:
            raise ValueError("say how to reach it: ae_title, host and port, or dicomweb")
        if self.prefer == "dimse" and not any(dimse):
            raise ValueError("prefers DIMSE, but has no ae_title, host and port")
        if self.prefer == "dicomweb" and self.dicomweb is None:
            raise ValueError("prefers DICOMweb, but has no dicomweb")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password come together")
        if self.user is not None and self.token is not None:
            raise ValueError("either a token, or user and password")
        if self.dicomweb is not None and (self.token or self.user):
            parts = urlsplit(self.dicomweb)
            if parts.scheme == "http" and parts.hostname not in LOOPBACK:
                raise ValueError("a token or password would cross the network readable for all: use https")
        return self

    @property
    def titles(self) -> tuple[str, ...]:
        """AE titles under which it may connect to us."""
        return self.sends_as or ((self.ae_title,) if self.ae_title else ())

    @property
    def way(self) -> Way:
        """How it is reached."""
        return self.prefer or ("dimse" if self.host else "dicomweb")


class Nodes(_Model):
    """All of the file."""

    local: Local = Local()
    nodes: dict[str, Node] = {}

    def node(self, name: str) -> Node:
        """Find an archive by its name.

        Raises
        ------
        ConfigError
            If there is none.
        """
        if name not in self.nodes:
            known = ", ".join(self.nodes) or "none yet"
            raise ConfigError(f"There is no archive {name!r} in the file with the nodes; there are: {known}.")
        return self.nodes[name]


def nodes_file() -> Path:
    """Where the file with the nodes is: as the environment says, else in the user's settings."""
    import platformdirs

    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else platformdirs.user_config_path("napari-lesion") / FILE_NAME


def load_nodes(path: Path | None = None) -> Nodes:
    """Read the nodes.

    Parameters
    ----------
    path : Path, optional
        By default `nodes_file`.

    Raises
    ------
    ConfigError
        If the file is missing or wrong; the message names the field.
    """
    path = path or nodes_file()
    if not path.is_file():
        raise ConfigError(
            f"There is no file {path} that says which archives there are. docs/pacs.md says what stands in it; "
            f"--nodes or {ENVIRONMENT} name another place."
        )
    return read_checked(path, Nodes, "file with the nodes")

"""What the listener takes, what of it is analysed, and where results go: a YAML file that is checked first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from napari_lesion.pacs.nodes import LOOPBACK, AETitle, Local, Node, Nodes, Port, Tls
from napari_lesion.pacs.receiver import Limits
from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.secrets import Secret

ANYBODY = "ANY"
"""In place of the callers: whoever connects may send."""
SENDABLE = ("sr", "seg", "key-images", "heatmap")
"""Kinds of results that are DICOM, and so can be sent."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Arrived:
    """A series that came, as rules look at it."""

    modality: str
    body_part: str
    description: str
    study_description: str


class Rule(_Model):
    """Which series are analysed, by which model, and what is sent where.

    A list that is not given asks for nothing; of one that is given, one entry must fit. Letters count in neither case;
    ``*`` and ``?`` are wildcards.
    """

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$")]
    modality: tuple[str, ...] = ("CT",)
    body_part: tuple[str, ...] = ()
    description: tuple[str, ...] = ()
    """Of the series or the study."""
    sender: tuple[AETitle, ...] = ()
    model: str | None = None
    send: dict[str, tuple[str, ...]] = {}
    """By archive, the kinds of results that it gets."""
    on_arrival: bool = True
    """Where it is false, only workitems ask for it."""

    @field_validator("send")
    @classmethod
    def _can_be_sent(cls, send: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for kinds in send.values():
            for kind in kinds:
                if kind not in SENDABLE:
                    raise ValueError(f"{kind!r} cannot be sent; what can are {', '.join(SENDABLE)}")
        return send

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of results that go anywhere."""
        return tuple(dict.fromkeys(kind for node in self.send for kind in self.kinds_for(node)))

    def kinds_for(self, node: str) -> tuple[str, ...]:
        """Kinds of results that an archive gets: with a structured report the outlines that it refers to."""
        kinds = self.send[node]
        return ("seg", *kinds) if "sr" in kinds and "seg" not in kinds else kinds

    def fits(self, series: Arrived, senders: Iterable[str]) -> bool:
        """Whether a series is to be analysed."""
        texts = (series.description, series.study_description)
        return (
            _one_of(self.modality, series.modality)
            and _one_of(self.body_part, series.body_part)
            and any(_one_of(self.description, text) for text in texts)
            and (not self.sender or bool(set(self.sender) & set(senders)))
        )


class Monitor(_Model):
    """Where it is said how the listener is (``/health``), with figures for Prometheus (``/metrics``); no patient."""

    port: Port
    address: str = "127.0.0.1"


class Stow(_Model):
    """Where studies are taken by DICOMweb (STOW-RS), beside C-STORE."""

    port: Port
    address: str = "127.0.0.1"
    tls: Tls | None = None
    """With ``ca``, clients must have a certificate of it."""
    token: Secret | None = None
    """Bearer token that who sends must have."""
    sender: AETitle = "STOW"
    """What rules take for the AE title of who sends so."""

    @model_validator(mode="after")
    def _knows_who_sends(self) -> Stow:
        if self.address in LOOPBACK:
            return self
        if self.tls is None:
            raise ValueError(
                "stow: without tls all on the network could read what comes; give it tls, or keep to loopback"
            )
        if self.token is None and self.tls.ca is None:
            raise ValueError("stow: say who may send, by a token or by the ca of certificates")
        return self


class TaskSource(_Model):
    """A worklist of unified procedure steps whose work the listener takes (IHE AI Workflow: pull, triggered pull)."""

    node: str
    label: Annotated[str, Field(min_length=1)]
    """Of the procedure steps (Procedure Step Label) that are ours; all others are left to others."""
    rule: str
    """By which their studies are analysed, and results sent."""
    fetch: str
    """Archive that the images come from."""
    every_s: Annotated[float, Field(gt=0)] = 30.0
    """Between two looks at the worklist."""
    at_once: Annotated[int, Field(ge=1, le=100)] = 4
    """Claimed at a time at most: what waits may be taken by others."""
    give_up_h: Annotated[float, Field(gt=0)] = 4.0
    """After which a workitem is cancelled whose images do not come."""
    subscribe: bool = False
    """Have the worklist say when something happens, and look at it then, too."""


class Listening(_Model):
    """All of the file."""

    ae_title: AETitle = "LESION"
    address: str = "127.0.0.1"
    port: Port = 11112
    tls: Tls | None = None
    stow: Stow | None = None
    monitor: Monitor | None = None
    callers: tuple[AETitle, ...]
    """AE titles that may send; ``[ANY]`` lets everybody."""
    folder: Path
    """Where studies, the queue and results are kept."""
    stable_s: Annotated[float, Field(gt=0)] = 60.0
    """Without another instance, after which a study is taken to be complete."""
    analysis_s: Annotated[float, Field(gt=0)] = 3600.0
    """After which an analysis is ended."""
    retry_s: Annotated[float, Field(gt=0)] = 30.0
    """Before the first repetition of what failed; it doubles up to `longest_retry_s`."""
    longest_retry_s: Annotated[float, Field(gt=0)] = 900.0
    give_up_h: Annotated[float, Field(gt=0)] = 168.0
    """After which nobody tries any more to send a result; it stays in the folder."""
    timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """After which an association without a sign of life is ended."""
    associations: Annotated[int, Field(ge=1, le=200)] = 20
    instance_mb: Annotated[float, Field(gt=0)] = 2048.0
    free_gb: Annotated[float, Field(ge=0)] = 2.0
    """Left free on the disk: below it, what comes is refused."""
    rules: tuple[Rule, ...] = ()
    workitems: tuple[TaskSource, ...] = ()

    @model_validator(mode="after")
    def _has_each_rule_once(self) -> Listening:
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError("two rules have one name")
        for source in self.workitems:
            if source.rule not in names:
                raise ValueError(f"workitems: there is no rule {source.rule}")
        if len({source.node for source in self.workitems}) < len(self.workitems):
            raise ValueError("workitems: a node is named twice")
        if not self.callers:
            raise ValueError("callers: say who may send, or [ANY]")
        return self

    @property
    def local(self) -> Local:
        """Who we are."""
        return Local(ae_title=self.ae_title, address=self.address, port=self.port, tls=self.tls)

    @property
    def limits(self) -> Limits:
        """What strangers may do."""
        return Limits(
            associations=self.associations,
            instance_bytes=round(self.instance_mb * 2**20),
            timeout_s=self.timeout_s,
        )

    def back_off(self, attempts: int) -> float:
        """Seconds to wait after so many attempts that failed."""
        return min(self.retry_s * 2.0 ** min(max(attempts - 1, 0), 30), self.longest_retry_s)

    def rule(self, name: str) -> Rule | None:
        """Find a rule by its name; None where it is gone from the file."""
        return next((rule for rule in self.rules if rule.name == name), None)


def load_listening(path: Path, nodes: Nodes | None = None) -> Listening:
    """Read the file.

    Parameters
    ----------
    path : Path
    nodes : Nodes, optional
        Archives that rules may name.

    Raises
    ------
    ConfigError
        If it is missing or wrong, or a rule sends to an archive that there is none of.
    """
    found = read_checked(path, Listening, "listener's file")
    for source in found.workitems:
        for name in (source.node, source.fetch):
            if nodes is None or name not in nodes.nodes:
                raise ConfigError(f"{path}: workitems name {name!r}, which the file with the nodes lacks.")
    if nodes is not None and nodes.local.port == found.port:
        connecting = [
            node for rule in found.rules for node in rule.send if _connects(nodes.nodes.get(node), "commitment")
        ]
        connecting += [one.fetch for one in found.workitems if _connects(nodes.nodes[one.fetch], "move")]
        if connecting:
            raise ConfigError(
                f"{path}: {connecting[0]} connects to us (retrieve: move, or commitment) at port {found.port}, which "
                "the listener has. Give local in the file with the nodes another port and AE title."
            )
    for rule in found.rules:
        for name in rule.send:
            if nodes is None or name not in nodes.nodes:
                raise ConfigError(f"{path}: rule {rule.name} sends to {name!r}, which the file with the nodes lacks.")
    return found


def _connects(node: Node | None, why: Literal["move", "commitment"]) -> bool:
    """Whether an archive connects to us: to send what is moved, or to commit itself."""
    if node is None or node.way != "dimse":
        return False
    return node.commitment if why == "commitment" else node.retrieve == "move"


def _one_of(patterns: tuple[str, ...], text: str) -> bool:
    return not patterns or any(fnmatchcase(text.casefold(), one.casefold().replace("[", "[[]")) for one in patterns)

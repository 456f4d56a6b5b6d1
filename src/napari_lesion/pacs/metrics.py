"""How the listener is, in figures: for Prometheus (text format 0.0.4) and for who asks whether it is well."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_PREFIX = "napari_lesion_listener"
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Counts:
    """What happened since the start; counted on many threads."""

    _numbers: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, number: int = 1) -> None:
        """Count."""
        with self._lock:
            self._numbers[name] += number

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._numbers[name]


@dataclass(frozen=True)
class Metric:
    """One metric: its values by label values, in the order of ``labels``."""

    name: str
    kind: str
    help: str
    values: Mapping[tuple[str, ...], float]
    labels: tuple[str, ...] = ()


def exposition(metrics: Iterable[Metric]) -> str:
    """Write metrics as Prometheus reads them."""
    lines = []
    for one in metrics:
        name = f"{_PREFIX}_{one.name}"
        lines += [f"# HELP {name} {one.help}", f"# TYPE {name} {one.kind}"]
        for values, number in one.values.items():
            pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(one.labels, values, strict=True))
            lines.append(f"{name}{{{pairs}}} {number:.15g}" if pairs else f"{name} {number:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

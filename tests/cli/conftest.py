"""The command line as a fixture, for the tests of all commands."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from napari_lesion.cli.main import main


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Call it with arguments: gives exit status, stdout and stderr."""
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["napari-lesion", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return int(end.value.code or 0), written.out, written.err

    yield call
    signal.signal(signal.SIGTERM, before)

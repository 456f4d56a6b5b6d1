from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from napari_lesion.cli import console

SHOW = """
import time
from napari_lesion.cli.console import print_line, show_progress
with show_progress() as progress:
    progress(1, 4, "[reading] 1/4")
    print_line("a result " + "x" * 200)
    progress(4, 4, "done")
    time.sleep(0.3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_results_reach_the_file_that_stdout_goes_to_while_a_bar_is_on_the_terminal():
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-c", SHOW], stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment
    ) as process:
        os.close(theirs)
        written = process.stdout.read()
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:  # the terminal is closed
        pass
    os.close(ours)
    assert written == f"a result {'x' * 200}\n"
    assert "[reading] 1/4" in seen.decode() or "done" in seen.decode()
    assert "100%" in seen.decode()


def test_a_log_file_gets_a_line_now_and_then(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 11.0, 12.0, 22.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with console.show_progress() as progress:
        for done in range(1, 5):
            progress(done, 4, f"step {done}")
    assert capsys.readouterr().err.splitlines() == [" 50 % step 2", "100 % step 4"]


def test_a_table_in_a_file_is_never_cut(capsys):
    console.show_table(["uid", "name"], [["1.2." + "3" * 60, "a"], ["1", "b" * 90]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("1.2." + "3" * 60)
    assert lines[2].endswith("b" * 90)

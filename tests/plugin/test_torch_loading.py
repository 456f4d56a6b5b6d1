"""Torch comes on a thread, and leaves the interpreter as it was."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, sys, threading
from napari_lesion.plugin.widgets.torch_loading import load_torch
assert "torch" not in sys.modules
thread = threading.Thread(target=load_torch)
thread.start()
thread.join()
assert gc.isenabled()
import torch
print(float(torch.ones(2).sum()))
load_torch()
"""


def test_torch_works_that_was_loaded_on_a_thread() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout == "2.0\n", done.stderr

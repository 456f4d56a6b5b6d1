"""Files of every kind damaged at random are read or refused by a sentence; how: tests/helpers/mutants.py."""

from __future__ import annotations

import os
import subprocess
import sys

import mutants
import pytest

#: More by hand: NAPARI_LESION_MUTANTS=20000 NAPARI_LESION_SEED=3 pytest tests/test_mutants.py
COUNT = int(os.environ.get("NAPARI_LESION_MUTANTS", "220"))
SEED = os.environ.get("NAPARI_LESION_SEED", "1")
#: All but those of bundles and DICOM images, which have tests of their own.
KINDS = "sr,seg,nifti,json,journal,fhir,csv,yaml,archive"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by what Linux tells of a process")
def test_mutants_are_read_or_refused_by_a_sentence() -> None:
    command = [sys.executable, mutants.__file__, "--seed", SEED, "--mutants", str(COUNT), "--kinds", KINDS]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120 + COUNT, check=False)
    last = "\n".join(result.stdout.splitlines()[-40:])
    assert result.returncode == 0, f"{last}\n{result.stderr[-3000:]}"
    assert f"mutants: {COUNT}, failures: 0" in last
    assert last.count("'read'") > 8, "mutants must get past the door to be worth anything"

"""Files damaged at random end in a volume or a typed error. How, and longer runs: tests/helpers/dicom_fuzz.py."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import dicom_fuzz

#: More by hand: NAPARI_LESION_FUZZ_MUTANTS=20000 NAPARI_LESION_FUZZ_SEED=3 pytest tests/dicom/test_fuzz.py
MUTANTS = int(os.environ.get("NAPARI_LESION_FUZZ_MUTANTS", "600"))
SEED = int(os.environ.get("NAPARI_LESION_FUZZ_SEED", "0"))


def test_damaged_files_end_in_a_volume_or_a_typed_error() -> None:
    """In a process of its own: a crash or a hang there is a failure here, with the mutant's number."""
    command = [sys.executable, dicom_fuzz.__file__, "--seed", str(SEED), "--mutants", str(MUTANTS)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60 + 2 * MUTANTS, check=False)
    last = "\n".join(result.stdout.splitlines()[-3:])
    assert result.returncode == 0, f"exit status {result.returncode} at:\n{last}\n{result.stderr[-4000:]}"
    outcomes = ast.literal_eval(result.stdout.splitlines()[-1].removeprefix("outcomes: "))
    assert sum(outcomes.values()) == MUTANTS
    # The mutants must get past the door to be worth anything: many are still readable, many fail deep inside.
    assert outcomes["volume"] > MUTANTS // 10
    assert outcomes["DecodeError"] > MUTANTS // 20


def test_the_same_seed_makes_the_same_mutants(tmp_path: Path) -> None:
    kinds = dicom_fuzz.corpus(tmp_path / "a")
    assert kinds == dicom_fuzz.corpus(tmp_path / "b")
    for number in range(100):
        assert dicom_fuzz.mutant(kinds, SEED, number) == dicom_fuzz.mutant(kinds, SEED, number)

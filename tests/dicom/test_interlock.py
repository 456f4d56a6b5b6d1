"""Two known volumes under one SeriesInstanceUID come out as such, or are refused.

Never a mixture, whatever `allow_gaps` says. More examples by hand: NAPARI_LESION_INTERLOCK_EXAMPLES=10000.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from interlocked_scans import Case, cases, check

EXAMPLES = os.environ.get("NAPARI_LESION_INTERLOCK_EXAMPLES")


@settings(
    max_examples=int(EXAMPLES or 500),
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases())
def test_two_known_volumes_come_out_whole_or_are_refused(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        event(check(case, Path(folder)))

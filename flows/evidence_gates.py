"""The gates that look at the evaluated model and the rows held out, each of them by itself, in their order."""

from __future__ import annotations

from ..tasks.baseline import check_baseline
from ..tasks.calibration import check_calibration
from ..tasks.robustness import check_robustness

EVIDENCE_GATES = (check_baseline, check_calibration, check_robustness)

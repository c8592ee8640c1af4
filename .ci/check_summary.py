"""Checks what the demo promises: a retraining because of drift, a promotion, and one held back or refused."""

import json
import sys
from pathlib import Path

summary = json.loads(Path(sys.argv[1]).read_text())
problems = [
    text
    for holds, text in (
        (summary["windows"], "no windows"),
        (summary["retrainings"] >= 1, "no retraining"),
        (summary["promotions"] >= 1, "no promotion"),
        (summary["held_back"] + summary["refused"] >= 1, "nothing held back or refused"),
        (
            summary["pooled_log_loss"] < summary["static_log_loss"],
            "retraining did not help: pooled log loss "
            f"{summary['pooled_log_loss']:.3f} against {summary['static_log_loss']:.3f}",
        ),
    )
    if not holds
]
if problems:
    sys.exit("; ".join(problems))

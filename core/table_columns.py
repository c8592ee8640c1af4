"""Names of the columns of a table of predictions: `features.<name>` and `score.<class>`."""

from __future__ import annotations

FEATURE_PREFIX = "features."
SCORE_PREFIX = "score."

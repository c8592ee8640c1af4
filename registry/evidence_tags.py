"""The tags of a model version: which rows, code, flow run and cause it was made of."""

from __future__ import annotations

import json

from ..core import tags
from ..core.results import Candidate, Cause, DataValidation, Gate, Snapshot, Split
from ..gates.skipping import skipped
from .tracking import code_version, flow_run_link

# What MySQL's TEXT holds, with room for characters of several bytes.
LONGEST_TAG = 30_000


def evidence_tags(
    *,
    snapshot: Snapshot,
    validation: DataValidation,
    split: Split,
    candidate: Candidate,
    training_key: str,
    cause: Cause | None,
    metric: str,
    project_name: str,
) -> dict[str, str]:
    """Return the tags that answer: which data, which code, which flow run, which cause.

    Args:
        snapshot: All extracted rows.
        validation: The verdict on them.
        split: Rows fitted on and decided on.
        candidate: The model.
        training_key: Digest of data, configuration and cause.
        cause: Why the training was asked for, or None.
        metric: Metric to decide by; lower is better.
        project_name: Name of the project.

    Returns:
        Tag name to text.
    """
    link = flow_run_link()
    found: dict[str, str | None] = {
        tags.PROJECT: project_name,
        tags.TRAINING_KEY: training_key,
        tags.SNAPSHOT_DIGEST: snapshot.digest,
        tags.SNAPSHOT_URI: snapshot.uri,
        tags.HOLDOUT_DIGEST: split.holdout.digest,
        **candidate_tags(candidate),
        tags.EVALUATED_CUTOFF: split.train.last.isoformat() if split.train.last else None,
        tags.SUITE_URI: validation.suite_uri,
        tags.METRIC: metric,
        tags.HOLDOUT_SCORE: repr(candidate.metrics[metric]),
        tags.CODE_VERSION: code_version(),
        tags.FLOW_RUN_ID: link.id,
        tags.FLOW_RUN_URL: link.url,
        tags.CAUSE_ID: cause.id if cause else None,
        tags.CAUSE: cause.model_dump_json()[:LONGEST_TAG] if cause else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def candidate_tags(candidate: Candidate) -> dict[str, str]:
    """Return the tags that a candidate answers by itself: what scoring, monitoring and comparisons ask for.

    Args:
        candidate: The model.

    Returns:
        Tag name to text.
    """
    found: dict[str, str | None] = {
        tags.FITTED_DIGEST: candidate.fitted_digest,
        tags.CUTOFF: candidate.cutoff.isoformat() if candidate.cutoff else None,
        tags.CUTOFF_ROW: str(candidate.cutoff_row) if candidate.cutoff_row is not None else None,
        tags.EVALUATED_URI: candidate.evaluated_uri,
        tags.PROFILE_URI: candidate.profile_uri,
    }
    return {name: value for name, value in found.items() if value is not None}


def skipped_tags(gates: list[Gate]) -> dict[str, str]:
    """Return the tag that names the gates that were not asked, and why; none where all were.

    Args:
        gates: Every gate of a training.
    """
    found = skipped(gates)
    return {tags.SKIPPED_GATES: json.dumps(found)[:LONGEST_TAG]} if found else {}

"""What is put side by side of two versions' predictions, whatever they look like in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.canary.evidence import canary_evidence, shadow_evidence

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
CLASSES = {"task_type": "binary", "metric": "log_loss", "start": START, "end": END}
NUMBERS = {"task_type": "regression", "metric": "mae", "start": START, "end": END}


def numbers(ids, predicted, labels, *, requests=None, latency=None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": list(ids),
            "request": requests or [None] * len(predicted),
            "latency_seconds": latency or [None] * len(predicted),
            "prediction": predicted,
            "label": labels,
        }
    )


def classes(ids, yes, labels, *, no=None) -> pd.DataFrame:
    rows = numbers(ids, ["yes"] * len(yes), labels)
    return rows.assign(**{"score.no": [1 - p for p in yes] if no is None else no, "score.yes": yes})


def test_shadowed_rows_are_paired_by_id_whatever_their_order():
    ours = numbers("abc", [1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    theirs = numbers("cxa", [1.5, 9.0, 1.0], [1.0, 1.0, 1.0])
    found = shadow_evidence(ours, theirs, **NUMBERS)
    assert found.champion.losses.tolist() == [0.0, 2.0]
    assert found.challenger.losses.tolist() == [0.0, 0.5]
    assert (found.champion_rows, found.challenger_rows, found.labelled) == (2, 2, 2)


def test_a_label_that_reached_one_of_a_pair_counts_for_both():
    ours = numbers("ab", [1.0, 2.0], [None, None])
    theirs = numbers("ab", [3.0, 4.0], [1.0, None])
    found = shadow_evidence(ours, theirs, **NUMBERS)
    assert found.champion.losses.tolist() == [0.0]
    assert found.challenger.losses.tolist() == [2.0]


def test_a_pair_counts_only_where_both_answered():
    ours = numbers("abc", [1.0, np.nan, 1.0], [1.0, 1.0, 1.0])
    theirs = numbers("abc", [1.0, 1.0, np.inf], [1.0, 1.0, 1.0])
    found = shadow_evidence(ours, theirs, **NUMBERS)
    assert found.labelled == 1
    assert (found.champion_unusable, found.challenger_unusable) == (1, 1)


def test_rows_of_one_request_are_one_unit_and_rows_without_one_stand_alone():
    ours = numbers("abcd", [1.0, 2.0, 3.0, 4.0], [0.0] * 4, requests=["r", "r", None, None])
    theirs = numbers("wxyz", [1.0, 1.0, 1.0, 1.0], [0.0] * 4, requests=["w", "x", "r", "r"])
    found = canary_evidence(ours, theirs, **NUMBERS)
    assert found.champion.losses.tolist() == [3.0, 3.0, 4.0]
    assert found.champion.rows.tolist() == [2.0, 1.0, 1.0]
    assert found.challenger.rows.tolist() == [1.0, 1.0, 2.0]
    assert found.labelled == 3


def test_an_id_that_reads_like_a_request_is_not_one():
    rows = numbers(["r", "b"], [1.0, 1.0], [0.0, 0.0], requests=[None, "r"])
    assert canary_evidence(rows, rows, **NUMBERS).labelled == 2


def test_the_slowest_row_of_a_request_is_its_latency():
    rows = numbers(
        "abcd",
        [1.0] * 4,
        [None] * 4,
        requests=["r", "r", "s", None],
        latency=[0.1, 0.3, None, 0.2],
    )
    found = canary_evidence(rows, rows, **NUMBERS)
    assert sorted(found.champion_latency) == [0.2, 0.3]
    assert found.labelled == 0


def test_classes_are_scored_by_what_each_version_knows():
    ours = classes("ab", [0.8, 0.5], ["yes", "maybe"])
    theirs = classes("ab", [0.6, 0.2], ["yes", "maybe"]).assign(**{"score.maybe": [0.1, 0.5]})
    both = ours.assign(**{"score.maybe": [np.nan, np.nan]})
    found = shadow_evidence(both, theirs, **CLASSES)
    miss = -np.log(np.finfo(float).eps)
    np.testing.assert_allclose(found.champion.losses, [-np.log(0.8), miss])
    np.testing.assert_allclose(found.challenger.losses, [-np.log(0.6), -np.log(0.5)])
    assert found.champion_unusable == found.challenger_unusable == 0


def test_labels_match_classes_however_they_were_typed():
    rows = numbers("abc", [1, 0, 1], [1.0, 0.0, np.nan]).assign(
        **{"score.0": [0.2, 0.7, 0.5], "score.1": [0.8, 0.3, 0.5]}
    )
    found = canary_evidence(rows, rows, **CLASSES)
    np.testing.assert_allclose(found.champion.losses, -np.log([0.8, 0.7]))


def test_answers_without_scores_are_unusable():
    rows = numbers("ab", ["yes", "no"], ["yes", "no"])
    found = canary_evidence(rows, classes("cd", [0.5, 0.5], ["yes", "no"]), **CLASSES)
    assert (found.champion_unusable, found.challenger_unusable) == (2, 0)
    assert found.labelled == 0


@pytest.mark.parametrize("evidence", [shadow_evidence, canary_evidence])
def test_no_rows_are_no_evidence(evidence):
    found = evidence(numbers("", [], []), numbers("a", [1.0], [1.0]), **NUMBERS)
    assert (found.labelled, found.champion_rows) == (0, 0)


def test_the_digest_tells_apart_what_was_seen_and_nothing_else():
    def digest(**changes):
        rows = numbers("abc", [1.0, 2.0, 3.0], changes.pop("labels", [1.0, 1.0, None]), **changes)
        return canary_evidence(rows, rows, **NUMBERS).digest

    assert digest() == digest()
    different = [
        digest(),
        digest(labels=[1.0, 1.0, 1.0]),
        digest(labels=[1.0, 2.0, None]),
        digest(latency=[0.1, None, None]),
        digest(requests=["r", "r", None]),
    ]
    assert len(set(different)) == len(different)

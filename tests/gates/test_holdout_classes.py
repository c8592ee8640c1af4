"""A holdout that cannot tell good from bad decides nothing, and says what it lacks."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.gates.holdout_classes import holdout_classes


def labels(**counts: int) -> pd.Series:
    return pd.Series([name for name, count in counts.items() for _ in range(count)], dtype=object)


@pytest.mark.parametrize("counts", [{"no": 200}, {"no": 199, "yes": 1}, {"yes": 4, "no": 196}])
def test_too_few_rows_of_a_class_are_not_run_with_what_is_needed(counts):
    (gate,) = holdout_classes(labels(**counts), "binary", 5)
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert gate.reason.startswith("200 rows are held out, ")
    for name, count in counts.items():
        assert f"{count} of '{name}'" in gate.reason
    assert (
        "5 rows of at least two classes each are needed (gates.minimum_class_rows)" in gate.reason
    )
    assert "Raise data.holdout_rows or data.holdout_share" in gate.reason


def test_enough_rows_of_both_classes_pass():
    (gate,) = holdout_classes(labels(no=195, yes=5), "binary", 5)
    assert (gate.verdict, gate.value, gate.threshold) == ("passed", 5, 5)


def test_a_rare_class_among_several_is_advice():
    gate, advice = holdout_classes(labels(a=100, b=50, c=2, d=1), "multiclass", 5)
    assert gate.verdict == "passed"
    assert not advice.blocks
    assert "1 of 'd', 2 of 'c'" in advice.reason
    (alone,) = holdout_classes(labels(a=100, b=3, c=2, d=1), "multiclass", 5)
    assert alone.blocks


@pytest.mark.parametrize(("different", "verdict"), [(0, "not_run"), (4, "not_run"), (5, "passed")])
def test_a_target_that_hardly_varies_is_not_run(different, verdict):
    target = pd.Series([7.5] * 60 + [float(i) for i in range(different)])
    (gate,) = holdout_classes(target, "regression", 5)
    assert gate.verdict == verdict
    assert "60 of them with the target 7.5" in gate.reason


@given(
    st.lists(st.sampled_from(["a", "b", "c", 1, 1.0, True]), min_size=1, max_size=60),
    st.sampled_from(["binary", "multiclass"]),
    st.integers(1, 20),
)
def test_it_passes_exactly_when_two_classes_have_enough_rows(values, task, needed):
    counts = pd.Series([str(int(v)) if v in (1.0,) and v is not True else str(v) for v in values])
    expected = (counts.value_counts() >= needed).sum() >= 2
    gates = holdout_classes(pd.Series(values, dtype=object), task, needed)
    assert (gates[0].verdict == "passed") == expected
    assert [gate for gate in gates[1:] if gate.blocks] == []


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_numbers_are_judged_whatever_they_are(values):
    (gate,) = holdout_classes(pd.Series(values), "regression", 1)
    assert (gate.verdict == "passed") == (len(set(values)) > 1)

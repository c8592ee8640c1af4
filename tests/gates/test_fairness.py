"""Differences between groups of people are Fairlearn's, and refuse only where they are surely beyond a limit."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn import metrics as fair
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.gates.fairness import check_limits, evidence_of, fairness_gates, group_gaps
from prefect_mlops.gates.group_measures import Answers
from prefect_mlops.metrics.sampling import Sampling


def settings(limits=None, **more):
    return GateSettings(
        resamples=300, fairness={"columns": ["sex"], "limits": limits or {}, **more}
    )


def answers(count=2_000, seed=0, chances=(0.3, 0.5)):
    """Labels and decisions that have nothing to do with each other; one group is chosen more often."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(len(chances), count)
    truth = np.where(rng.random(count) < 0.4, "yes", "no").astype(object)
    chosen = rng.random(count) < np.asarray(chances)[groups]
    decided = np.where(chosen, "yes", "no").astype(object)
    losses = (truth != decided).astype(float)
    names = np.array([f"group {number}" for number in groups], dtype=object)
    return Answers("binary", truth, decided, losses, "brier", "yes"), names


def gates_of(given, groups, wanted, sampling=None):
    gaps, table = group_gaps(
        given, groups, settings=wanted, seed=0, sampling=sampling or Sampling()
    )
    return fairness_gates("sex", gaps, wanted), {gap.name: gap for gap in gaps}, table


@pytest.mark.parametrize("weighted", [False, True])
def test_every_difference_and_ratio_is_fairlearns(weighted):
    given, groups = answers()
    weights = np.random.default_rng(5).uniform(0.5, 3, len(groups)) if weighted else None
    _, gaps, table = gates_of(given, groups, settings(), Sampling(weights))
    truth, decided = ((part == "yes").astype(int) for part in (given.truth, given.decided))
    for name in (
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equal_opportunity_difference",
        "equal_opportunity_ratio",
        "equalized_odds_difference",
        "equalized_odds_ratio",
    ):
        known = getattr(fair, name)(
            truth, decided, sensitive_features=groups, sample_weight=weights
        )
        found = gaps[name].interval
        assert found.value == pytest.approx(known), name
        assert found.low < found.value < found.high
    right = given.truth == given.decided
    for name in ("group 0", "group 1"):
        here = groups == name
        part = None if weights is None else weights[here]
        assert table.loc[name, "accuracy"] == pytest.approx(np.average(right[here], weights=part))
        assert table.loc[name, "rows"] == here.sum()


def test_what_is_surely_beyond_a_limit_refuses():
    limits = {"demographic_parity_difference": 0.1, "demographic_parity_ratio": 0.8}
    gates, _, _ = gates_of(*answers(), settings(limits))
    assert [(gate.name, gate.verdict, gate.blocks) for gate in gates] == [
        ("fairness sex: demographic_parity_difference", "failed", True),
        ("fairness sex: demographic_parity_ratio", "failed", True),
    ]
    assert "'group 0'" in gates[0].reason
    assert "at least 0.8 is asked" in gates[1].reason


def test_a_difference_that_chance_explains_passes():
    limits = {"demographic_parity_difference": 0.16, "demographic_parity_ratio": 0.65}
    gates, gaps, _ = gates_of(*answers(), settings(limits))
    assert gaps["demographic_parity_difference"].interval.value > 0.16
    assert [gate.verdict for gate in gates] == ["passed", "passed"]


def test_many_small_groups_that_are_treated_alike_pass():
    limits = {"demographic_parity_difference": 0.05}
    refused = 0
    for seed in range(30):
        given, groups = answers(1_500, seed, chances=(0.4,) * 10)
        (gate,) = gates_of(
            given, groups, settings(limits).model_copy(update={"minimum_slice_rows": 50})
        )[0]
        refused += gate.blocks
    assert refused <= 3


def test_a_small_group_is_no_pass_and_is_named_with_its_rows():
    given, groups = answers(2_000, chances=(0.4, 0.4))
    groups[:12] = "group 2"
    (gate,) = gates_of(given, groups, settings({"demographic_parity_difference": 0.2}))[0]
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert "'group 2' has 12 rows, 100 are needed" in gate.reason
    given, groups = answers(2_000)
    groups[:12] = "group 2"
    (gate,) = gates_of(given, groups, settings({"demographic_parity_difference": 0.05}))[0]
    assert gate.verdict == "failed"


def test_a_group_with_few_of_a_class_cannot_tell_rates_among_them():
    given, groups = answers(chances=(0.4, 0.4))
    here = np.flatnonzero((groups == "group 0") & (given.truth == "yes"))
    given.truth[here[9:]] = "no"
    limits = {"equal_opportunity_difference": 0.5, "demographic_parity_difference": 0.2}
    gates = {
        gate.name.rpartition(" ")[2]: gate for gate in gates_of(given, groups, settings(limits))[0]
    }
    assert gates["demographic_parity_difference"].verdict == "passed"
    small = gates["equal_opportunity_difference"]
    assert small.verdict == "not_run"
    assert "fewer than two groups" in small.reason
    assert "'group 0' has 9 positives among" in small.reason


def test_rows_of_few_people_cannot_tell():
    given, groups = answers()
    who = np.where(groups == "group 0", "one person", np.arange(2_000).astype(str))
    limits = {"demographic_parity_difference": 0.1}
    (gate,) = gates_of(given, groups, settings(limits), Sampling(groups=who))[0]
    assert gate.verdict == "not_run"
    assert "rows of 1 groups, 20 are needed" in gate.reason


def test_without_limits_it_is_measured_and_judged_by_nobody():
    (gate,), _, _ = gates_of(*answers(), settings())
    assert (gate.name, gate.verdict, gate.blocks) == ("fairness sex", "not_run", False)
    assert "nothing is asked" in gate.reason
    assert "demographic_parity_difference is 0.1776" in gate.reason


def test_of_several_classes_the_accuracy_and_the_metric_count():
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c"], 1_000).astype(object)
    groups = rng.choice(["f", "m"], 1_000).astype(object)
    missed = rng.random(1_000) < np.where(groups == "f", 0.5, 0.1)
    given = Answers(
        "multiclass", truth, np.where(missed, "none", truth), 1.0 * missed, "error_rate"
    )
    gates, gaps, table = gates_of(given, groups, settings({"accuracy_difference": 0.2}))
    assert set(gaps) == {
        "accuracy_difference",
        "accuracy_ratio",
        "metric_difference",
        "metric_ratio",
    }
    assert gates[0].verdict == "failed"
    assert table.loc["f", "metric"] == pytest.approx(missed[groups == "f"].mean())


def test_of_numbers_the_mean_error_and_the_metric_count():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=1_000)
    groups = rng.choice(["f", "m"], 1_000).astype(object)
    error = rng.normal(np.where(groups == "f", -0.5, 0.0), 1)
    given = Answers("regression", truth, truth + error, error**2, "rmse")
    gates, gaps, table = gates_of(given, groups, settings({"mean_error_difference": 0.2}))
    assert gates[0].verdict == "failed"
    assert table.loc["f", "mean_error"] == pytest.approx(error[groups == "f"].mean())
    assert table.loc["f", "metric"] == pytest.approx(np.sqrt((error[groups == "f"] ** 2).mean()))
    gap = gaps["mean_error_difference"]
    assert gap.interval.value == pytest.approx(np.ptp(table["mean_error"]))
    assert (gap.least[0], gap.most[0]) == ("f", "m")


def test_a_rate_of_none_has_a_ratio():
    given, groups = answers(chances=(0.0, 0.3))
    gates, _, _ = gates_of(given, groups, settings({"demographic_parity_ratio": 0.8}))
    assert gates[0].verdict == "failed"
    assert 0 <= gates[0].value < 0.01


def test_where_nobody_is_chosen_all_are_treated_alike():
    given, groups = answers(chances=(0.0, 0.0, 0.0))
    groups[:1_400] = "group 0"
    limits = {"demographic_parity_ratio": 0.8, "demographic_parity_difference": 0.01}
    gates, gaps, _ = gates_of(given, groups, settings(limits))
    assert gaps["demographic_parity_ratio"].interval.value == 1
    assert [gate.verdict for gate in gates] == ["passed", "passed"]


def test_none_of_few_rows_is_not_surely_none():
    """None of 100 rows: the true rate may well be 0.03, and the difference below 0.08."""
    given, groups = answers(5_000, chances=(0.1, 0.1))
    groups[:], groups[:100] = "many", "few"
    given.decided[:100] = "no"
    (gate,) = gates_of(given, groups, settings({"demographic_parity_difference": 0.08}))[0]
    assert gate.value > 0.09
    assert gate.verdict == "passed"


def test_one_group_is_not_compared():
    given, groups = answers()
    groups[:] = "all"
    (gate,), _, table = gates_of(given, groups, settings({"demographic_parity_ratio": 0.8}))
    assert gate.verdict == "not_run"
    assert len(table) == 1


def test_what_a_task_has_not_cannot_be_limited():
    with pytest.raises(ConfigurationError, match="which a regression model has not: choose among"):
        check_limits(settings({"equalized_odds_difference": 0.1}), "regression")


def test_the_evidence_is_plain():
    given, groups = answers()
    gaps, table = group_gaps(given, groups, settings=settings(), seed=0, sampling=Sampling())
    kept = evidence_of(gaps, table)
    assert kept["groups"][0]["group"] == "group 0"
    assert kept["differences"][0]["name"] == "demographic_parity_difference"
    assert kept["differences"][0]["low"] <= kept["differences"][0]["value"]


def test_a_group_whose_rows_count_nothing_is_none():
    given, groups = answers(chances=(0.3, 0.3, 0.9))
    counting = (groups != "group 2").astype(float)
    gates, _, table = gates_of(
        given, groups, settings({"demographic_parity_difference": 0.1}), Sampling(counting)
    )
    assert list(table.index) == ["group 0", "group 1"]
    assert gates[0].verdict == "passed"


def test_a_rate_among_rows_that_count_nothing_is_no_pass():
    given, groups = answers(chances=(0.0, 1.0, 0.5))
    weights = 1.0 - ((groups == "group 2") & (given.truth == "yes"))
    limits = {"equal_opportunity_difference": 0.1}
    (gate,), _, _ = gates_of(given, groups, settings(limits), Sampling(weights))
    assert gate.verdict == "failed"
    assert "'group 2' has 0 positives" in gate.reason

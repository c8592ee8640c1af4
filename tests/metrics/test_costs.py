"""Cost arithmetic agrees with trying everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.metrics.costs import best_threshold, even_threshold, least_costly, row_costs

# Few distinct values, so that rows share probabilities.
PROBABILITIES = st.integers(0, 20).map(lambda number: number / 20)
COSTS = st.floats(0.1, 50.0)


@st.composite
def scored_rows(draw):
    count = draw(st.integers(1, 30))
    probability = np.array(draw(st.lists(PROBABILITIES, min_size=count, max_size=count)))
    positive = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    weights = np.array(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)), float)
    return probability, positive, weights


@st.composite
def cost_matrices(draw):
    right = draw(st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
    wrong = draw(st.tuples(COSTS, COSTS))
    return np.array([[right[0], right[0] + wrong[0]], [right[1] + wrong[1], right[1]]])


def cost_at(threshold, probability, positive, weights, costs):
    decided = (probability >= threshold).astype(int)
    return float((weights * row_costs(positive.astype(int), decided, costs)).sum())


@given(scored_rows(), cost_matrices())
def test_no_threshold_costs_less_than_the_best(rows, costs):
    probability, positive, weights = rows
    found = cost_at(best_threshold(probability, positive, costs, weights), *rows, costs)
    tried = [cost_at(value, *rows, costs) for value in [*probability, 0.0, np.inf]]
    assert found == pytest.approx(min(tried), abs=1e-9)


@given(scored_rows(), cost_matrices())
def test_integer_weights_are_repeated_rows(rows, costs):
    probability, positive, weights = rows
    times = weights.astype(int) + 1
    repeated = best_threshold(np.repeat(probability, times), np.repeat(positive, times), costs)
    weighted = best_threshold(probability, positive, costs, times.astype(float))
    assert (probability >= repeated).tolist() == (probability >= weighted).tolist()


@given(
    arrays(float, (7, 4), elements=st.floats(0, 1)),
    arrays(float, (4, 4), elements=st.floats(-10, 10)),
)
def test_the_least_costly_class_is_found_by_trying_all(probabilities, costs):
    for row, chosen in zip(probabilities, least_costly(probabilities, costs), strict=True):
        expected = [
            sum(chance * costs[true, decided] for true, chance in enumerate(row))
            for decided in range(4)
        ]
        assert expected[chosen] == pytest.approx(min(expected), abs=1e-9)


@given(cost_matrices(), st.floats(0, 1))
def test_from_the_even_threshold_on_the_second_class_costs_less(costs, chance):
    even = even_threshold(costs)
    if abs(chance - even) > 1e-9:
        chosen = least_costly(np.array([[1 - chance, chance]]), costs)[0]
        assert chosen == (chance > even)


def test_of_equally_good_thresholds_the_even_one_is_taken():
    probability, positive = np.array([0.1, 0.9]), np.array([False, True])
    costs = np.array([[0.0, 1.0], [3.0, 0.0]])
    assert best_threshold(probability, positive, costs) == 0.25


def test_where_none_should_be_accepted_none_is():
    probability, costs = np.array([0.2, 1.0, 1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert not (probability >= best_threshold(probability, np.zeros(3, bool), costs)).any()


def test_where_all_should_be_accepted_all_are():
    probability, costs = np.array([0.0, 0.2, 0.3]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert (probability >= best_threshold(probability, np.ones(3, bool), costs)).all()

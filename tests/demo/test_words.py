"""Every decision of the demo says its reason, and gates are told from checks that only inform."""

import pytest
from prefect_mlops.core.results import Gate
from prefect_mlops.demo.words import decision_in_words, gates_in_words
from support.stories import (
    DRIFTED,
    HARMLESS,
    HEALTHY,
    MAYBE_WORSE,
    ONE_IS_ENOUGH,
    UNKNOWN,
    WORSE,
    Story,
    day,
)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (HEALTHY, "as promised"),
        (UNKNOWN, "too few rows"),
        (HARMLESS, "drift without harm"),
        (DRIFTED, "drift, and no labels yet"),
        (MAYBE_WORSE, "drift, and maybe worse"),
        (WORSE, "surely worse than promised"),
    ],
)
def test_a_decision_in_a_few_words(found, words):
    assert decision_in_words(Story(ONE_IS_ENOUGH).see(day(0), found)) == words


def test_a_held_back_retraining_says_by_what():
    assert decision_in_words(Story().see(day(0), DRIFTED)) == "waits for a second window"


def test_checks_that_only_inform_are_no_gates():
    gates = [
        Gate(name="floor", verdict="passed", reason=""),
        Gate(name="drift", verdict="failed", reason="", blocking=False),
        Gate(name="label", verdict="passed", reason="", blocking=False),
    ]
    assert gates_in_words(gates) == (
        "all 1 gates passed; of 2 checks that only inform 1 noted something"
    )
    broken = gates[0].model_copy(update={"verdict": "failed"})
    assert gates_in_words([broken]) == "0 of 1 gates passed"

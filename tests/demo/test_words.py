"""Every decision of the demo says its reason."""

import pytest
from prefect_mlops.demo.words import decision_in_words
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

"""What a version answers, for each kind of task."""

import pytest
from support.versions import AGES, INPUTS, fitted


def test_a_regression_answers_with_numbers_alone(serve):
    answer = serve(fitted("1", AGES, "regression")).answer("r", INPUTS)
    assert answer.labels[0] == pytest.approx(25.0)
    assert list(answer.outputs()) == ["prediction", "id"]


def test_classes_that_are_no_text_keep_their_type(serve):
    answer = serve(fitted("1", [0, 0, 1, 1])).answer("r", INPUTS)
    assert set(map(type, answer.labels)) == {int}
    assert list(answer.scores) == ["0", "1"]

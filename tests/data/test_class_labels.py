"""Labels find their class whatever type they came back with."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.data.class_labels import class_text, match_classes


def test_class_text_ignores_how_a_whole_number_is_stored():
    assert class_text(1) == class_text(1.0) == class_text(np.float64(1)) == "1"
    assert class_text("1.0") == "1.0"


@pytest.mark.parametrize("label", [1, 1.0, "1", "1.0", True, "true", np.int64(1), np.True_])
def test_every_spelling_of_one_is_the_class_one(label):
    assert match_classes([label], ["0", "1"]) == ["1"]


@pytest.mark.parametrize("label", [1, 1.0, "1", True, "true"])
def test_every_spelling_of_one_is_the_class_true(label):
    assert match_classes([label], ["False", "True"]) == ["True"]


def test_text_that_equals_a_class_wins_over_a_shared_form():
    assert match_classes(["01", "1", "1.0"], ["01", "1"]) == ["01", "1", None]


def test_values_that_are_no_class_are_not_guessed():
    assert match_classes(["maybe", "Yes", "nan", 2], ["yes", "no", "1"]) == [None] * 4


def test_spaces_around_a_label_or_a_class_do_not_tell_them_apart():
    assert match_classes(["<=50K", " >50K "], [" <=50K", " >50K"]) == [" <=50K", " >50K"]
    assert match_classes([" <=50K"], ["<=50K"]) == ["<=50K"]
    assert match_classes(["a", " a", "a "], ["a", " a"]) == ["a", " a", None]


def test_classes_of_many_digits_stay_apart():
    large = [str(2**53), str(2**53 + 1)]
    assert match_classes([2**53 + 1, str(2**53)], large) == [large[1], large[0]]
    assert match_classes([str(2**53 + 1)], large[:1]) == [None]

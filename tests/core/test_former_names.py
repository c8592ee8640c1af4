"""What was stored with the task type under its former name is read under today's."""

import pytest
from prefect_mlops.core.former_names import with_task_type


def test_the_former_name_becomes_that_of_today_in_its_place():
    found = with_task_type({"name": "calls", "task": "binary", "seed": 0})
    assert list(found.items()) == [("name", "calls"), ("task_type", "binary"), ("seed", 0)]


@pytest.mark.parametrize("stored", [{"task_type": "binary"}, {}, None, "calls"])
def test_anything_else_is_left_as_it_is(stored):
    assert with_task_type(stored) is stored


def test_both_names_are_an_error():
    with pytest.raises(ValueError, match="leave it out"):
        with_task_type({"task": "binary", "task_type": "binary"})

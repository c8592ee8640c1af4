"""Names are Python's own text, of enumerations too."""

from enum import Enum, StrEnum

import numpy as np
import pytest
from prefect_mlops.core.names import text_of


class Colour(str, Enum):  # noqa: UP042
    RED = "red"


class Size(StrEnum):
    BIG = "big"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (Colour.RED, "red"),
        (Size.BIG, "big"),
        (np.str_("a"), "a"),
        ("a", "a"),
        (3, "3"),
        (("a", 1), "('a', 1)"),
    ],
)
def test_the_text_of_a_name(name, text):
    assert text_of(name) == text
    assert type(text_of(name)) is str

"""Which columns the slow default checks look at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.gates.deepchecks_columns import columns_gate, most_important

NAMES = st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=12, unique=True)


@given(NAMES, st.data())
def test_the_most_important_are_kept_in_their_own_order(names, data):
    shares = data.draw(st.dictionaries(st.sampled_from(names), st.floats(0, 1)))
    most = data.draw(st.none() | st.integers(1, 15))
    found = most_important(names, shares, most)
    assert len(found) == (len(names) if most is None else min(most, len(names)))
    assert found == [name for name in names if name in found]
    left = [shares.get(name, 0.0) for name in names if name not in found]
    assert max(left, default=0.0) <= min(shares.get(name, 0.0) for name in found)


def test_the_gate_names_the_setting_and_does_not_block():
    gate = columns_gate(["a"] * 300, ["a"] * 30)
    assert gate.name == "deepchecks columns"
    assert "300 features, the 30 most important were checked" in gate.reason
    assert "gates.deepchecks_columns" in gate.reason
    assert not gate.blocks

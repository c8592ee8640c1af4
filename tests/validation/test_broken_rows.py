"""Rows that are there again are found, and a target without its features is told."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.validation.broken_rows import repeated_rows, unrelated_target

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("rows", [20, 100, 400])
def test_a_block_that_comes_again_is_found(rows):
    unique = np.arange(1_000)
    hashes = np.r_[unique, unique[-rows:]]
    found = repeated_rows(hashes, np.arange(800, len(hashes)))
    assert found.tolist() == list(range(1_000, 1_000 + rows))


def test_copies_in_another_order_are_found_by_their_share():
    hashes = np.r_[np.arange(1_000), RNG.permutation(np.arange(500, 800))]
    found = repeated_rows(hashes, np.arange(1_000, 1_300))
    assert len(found) == 300


def test_rows_that_are_alike_by_nature_are_no_copies():
    hashes = RNG.integers(0, 40, 2_000)
    assert len(repeated_rows(hashes, np.arange(1_500, 2_000))) == 0
    assert len(repeated_rows(np.arange(2_000), np.arange(1_500, 2_000))) == 0
    assert len(repeated_rows(np.arange(10), np.empty(0, dtype=int))) == 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_target_that_lost_its_features_is_told_by_the_column_that_said_most(sign):
    x, noise = RNG.normal(size=900), RNG.normal(size=900)
    target = sign * np.exp(x) + 0.1 * noise
    known = {"x": x[:600], "noise": noise[:600]}
    new = {"x": x[600:], "noise": noise[600:]}
    assert unrelated_target(known, target[:600], new, target[600:]) is None
    shuffled = RNG.permutation(target[600:])
    assert unrelated_target(known, target[:600], new, shuffled) == "x"


def test_without_a_relation_nothing_is_lost():
    x, y = RNG.normal(size=(2, 900))
    assert unrelated_target({"x": x[:600]}, y[:600], {"x": x[600:]}, y[600:]) is None
    constant = np.ones(900)
    assert unrelated_target({"x": x[:600]}, constant[:600], {"x": x[600:]}, constant[600:]) is None

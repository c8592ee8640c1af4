"""Detects known categories in another form: spelled differently, or as codes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd

from .new_rows import segments

KNOWN_CATEGORIES = 0.5
MAXIMUM_CATEGORIES = 100
_ROWS = 3
_SHARE = 0.01
_PART_UNKNOWN = 0.95
_BLOCKS = 5.0
_CODE = re.compile(r"[+-]?\d+([.,]\d+)?")


def spelling(value: str) -> str:
    """Return a category without what does not tell it from others: case, spaces and punctuation.

    Example:
        >>> spelling(" ADMIN. ") == spelling("admin")
        True
    """
    folded = unicodedata.normalize("NFKC", value).casefold()
    return "".join(character for character in folded if character.isalnum())


def foreign_texts(
    known: pd.Series, new: pd.Series, *, ordered: bool = False
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Find new categories that are no new categories.

    Args:
        known: Known values, as text, missing ones missing.
        new: New values, in order.
        ordered: Whether the order is that of time: categories that come in blocks may then be new.

    Yields:
        What is wrong in a few words, an explanation, and the positions in `new`.

    Example:
        >>> known, new = pd.Series(["admin", "student"] * 9), pd.Series(["ADMIN"] * 9 + ["admin"])
        >>> [what for what, _, _ in foreign_texts(known, new)]
        ['known categories in another spelling']
    """
    names = {str(value) for value in known.dropna().unique()}
    present = new.notna().to_numpy()
    if len(names) < 2 or not present.any():
        return
    unknown = present & ~new.isin(names).to_numpy()
    if not unknown.any():
        return
    spelled: dict[str, str] = {}
    for name in sorted(names):
        spelled.setdefault(spelling(name), name)
    meant = {value: spelled.get(spelling(value)) for value in new[unknown].unique()}
    respelled = unknown & new.map(lambda v: bool(meant.get(v))).to_numpy(dtype=bool)
    count, share = int(respelled.sum()), float(respelled.sum() / present.sum())
    if count >= _ROWS and share >= _SHARE:
        first = new[respelled].iloc[0]
        said = f"such as {first!r} for {meant[first]!r}"
        yield "known categories in another spelling", said, np.flatnonzero(respelled)
        unknown &= ~respelled
    if len(names) > MAXIMUM_CATEGORIES:
        return
    hit = np.zeros(len(new), dtype=bool)
    if not any(_CODE.fullmatch(name) for name in names):
        codes = unknown & new.map(lambda v: bool(_CODE.fullmatch(str(v)))).to_numpy(dtype=bool)
        for first, end in segments(len(new)):
            here = codes[first:end].sum()
            if here and here >= _PART_UNKNOWN * present[first:end].sum():
                hit[first:end] |= codes[first:end]
        if hit.any():
            said = f"such as {new[hit].iloc[0]!r}, where names were known"
            yield "codes instead of names", said, np.flatnonzero(hit)
    unknown &= ~hit
    share = float(unknown.sum() / present.sum())
    if share > 1.0 - KNOWN_CATEGORIES and not (ordered and comes_in_blocks(known)):
        said = f"such as {new[unknown].iloc[0]!r}, {1.0 - KNOWN_CATEGORIES:.0%} may be new"
        yield "unknown categories", said, np.flatnonzero(unknown)


def comes_in_blocks(known: pd.Series) -> bool:
    """Say whether a category stays for long once it is there, such as the month.

    Where it does, rows full of a new one are how the column moves.

    Args:
        known: Known values in time order, as text.

    Returns:
        Whether the mean run of one category is five times as long as in shuffled rows.

    Example:
        >>> comes_in_blocks(pd.Series(["may"] * 50 + ["june"] * 50))
        True
        >>> comes_in_blocks(pd.Series(["may", "june"] * 50))
        False
    """
    present = known.dropna()
    shares = present.value_counts(normalize=True).to_numpy()
    changes = int((present.to_numpy()[1:] != present.to_numpy()[:-1]).sum())
    shuffled = (1.0 - float((shares**2).sum())) * (len(present) - 1)
    return len(present) > 1 and changes > 0 and changes <= shuffled / _BLOCKS

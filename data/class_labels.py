"""Matches labels and score columns to a model's classes, whatever their data type.

A class that was the integer 1 at training may come back as `1.0` (a null elsewhere in the column), as
`"1"` (JSON) or as `True`, and `<=50K` as ` <=50K` from a file with spaces after its separators. Text that
equals a class wins; else a form that numbers and booleans share, or the text without spaces around it,
decides, unless two classes have the same one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

_EXACT = 2**53


def class_text(value: object) -> str:
    """Return a class or label as text, the same for 1, 1.0 and `np.float64(1)`.

    Example:
        >>> class_text(1.0), class_text("yes")
        ('1', 'yes')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def match_classes(values: Iterable[object], classes: Sequence[str]) -> list[str | None]:
    """Match values to classes.

    Args:
        values: Labels, without missing ones, or the class part of score columns' names.
        classes: The model's classes as text.

    Returns:
        A class for every value, or None where it is none of them.

    Example:
        >>> match_classes([1.0, "0", True, "maybe"], ["0", "1"])
        ['1', '0', '1', None]
    """
    exact = set(classes)
    shared = Counter(_plain(name) for name in classes)
    loose = {_plain(name): name for name in classes if shared[_plain(name)] == 1}
    known: dict[str, str | None] = {}
    matched: list[str | None] = []
    for value in values:
        text = class_text(value)
        if text not in known:
            known[text] = text if text in exact else loose.get(_plain(text))
        matched.append(known[text])
    return matched


def _plain(text: str) -> str:
    stripped = text.strip()
    word = stripped.lower()
    if word in ("true", "false"):
        return "1" if word == "true" else "0"
    try:
        number = float(word)
    except ValueError:
        return stripped
    if not math.isfinite(number):
        return stripped
    # A float holds 16 digits: two classes of more must not become one.
    return class_text(number) if abs(number) < _EXACT else stripped


def to_classes(labels: Iterable[object], classes: Iterable[object]) -> np.ndarray:
    """Turn labels into the classes themselves, whatever type they came back with.

    Args:
        labels: Labels, without missing ones.
        classes: The model's classes, of their own type.

    Returns:
        Objects, shape (n,): the class, or the label itself where it is none of them.

    Example:
        >>> to_classes(["1", 0.0], [0, 1]).tolist()
        [1, 0]
    """
    originals = {class_text(value): value for value in classes}
    found = list(labels)
    matched = match_classes(found, list(originals))
    turned = np.empty(len(found), dtype=object)
    turned[:] = [
        label if name is None else originals[name]
        for name, label in zip(matched, found, strict=True)
    ]
    return turned

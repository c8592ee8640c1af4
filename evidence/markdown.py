"""Small parts of Markdown: text that stays what it is, tables, bars and numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..core.results import Gate

# Signs of ordinary fonts: many a server's browser has no emoji.
MARKS = {"passed": "✓ passed", "failed": "✗ failed", "not_run": "⚠ not run"}
NOT_STATED = "*not stated*"
NOT_RECORDED = "*not recorded*"

_SPECIAL = re.compile(r"[\\`*\[\]<>|&~]|(?<![^\W_])_|_(?![^\W_])")
# What would begin a heading, list or quote at the begin of a line.
_BEGIN = re.compile(r"^(\d+(?=[.)])|(?=[#+=-]))")
_BAR = 12


def plain(text: object) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    Args:
        text: Anything; line breaks become spaces.

    Example:
        >>> plain("a|b <i>_c_")
        'a\\|b \\<i\\>\\_c\\_'
    """
    line = " ".join(str(text).split())
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], line)
    return _BEGIN.sub(r"\1\\", escaped)


def code(text: object) -> str:
    """Return a name or value in the type of code.

    Example:
        >>> code("log_loss")
        '`log_loss`'
    """
    line = " ".join(str(text).split())
    return plain(line) if not line or "`" in line or "|" in line or "\\" in line else f"`{line}`"


def number(value: float | None) -> str:
    """Return a number to four digits, empty for none.

    Example:
        >>> number(0.123456), number(12345.0), number(None)
        ('0.1235', '12,345', '')
    """
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def bar(share: float) -> str:
    """Return a share as a bar, for a table.

    Example:
        >>> bar(0.5)
        '██████'
    """
    eighths = round(max(0.0, min(1.0, share)) * _BAR * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")


def table(
    names: Sequence[str], rows: Collection[Sequence[str]], *, right: Collection[str] = ()
) -> list[str]:
    """Return a table's lines, with an empty line before and after.

    Args:
        names: Names of the columns.
        rows: Cells, as Markdown.
        right: Columns of numbers.
    """
    rules = ["---:" if name in right else "---" for name in names]
    lines = [f"| {' | '.join(cells)} |" for cells in (names, rules, *rows)]
    return ["", *lines, ""]


def gate_table(gates: Sequence[Gate]) -> list[str]:
    """Return gates as a table: first those that stood in the way."""
    shown = sorted(gates, key=lambda gate: (not gate.blocks, gate.verdict == "passed"))
    return table(
        ["gate", "verdict", "value", "threshold", "reason"],
        [
            [
                plain(gate.name),
                MARKS[gate.verdict],
                number(gate.value),
                number(gate.threshold),
                plain(gate.reason),
            ]
            for gate in shown
        ],
        right=("value", "threshold"),
    )

"""Prints text of people and data as it is: square brackets in a reason or a path are no instructions to rich."""

from __future__ import annotations

from rich.console import Console

# A file or a pipe has no width of its own: columns need not be squeezed for it.
_WIDTH = 200


def plain_console(*, soft_wrap: bool = False) -> Console:
    """Return a console that obeys no markup or emoji code in what it is given to print, cells of tables included.

    Styles are given as arguments: `style="bold"`.

    Args:
        soft_wrap: Whether lines are left to the terminal to wrap.

    Example:
        >>> console = plain_console()
        >>> with console.capture() as printed:
        ...     console.print("files in [/data] :warning:")
        >>> printed.get().strip()
        'files in [/data] :warning:'
    """
    console = Console(markup=False, emoji=False, soft_wrap=soft_wrap)
    if console.is_terminal:
        return console
    return Console(markup=False, emoji=False, soft_wrap=soft_wrap, width=_WIDTH)

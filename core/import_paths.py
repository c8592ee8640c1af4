"""What a user brings, by its import path: estimators, drift methods, gates, notifiers and data sources.

All of them are named alike, `package.module:name`, found alike, and refused alike.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable
from pkgutil import resolve_name
from typing import Annotated, Any

from pydantic import AfterValidator

from .errors import ConfigurationError


def is_import_path(text: str) -> bool:
    """Return whether a text has the form of an import path.

    Example:
        >>> is_import_path("my_gates:fair"), is_import_path("my_gates.fair")
        (True, False)
    """
    module, _, name = text.partition(":")
    return all(part.isidentifier() for part in [*module.split("."), *name.split(".")])


def _checked(text: str) -> str:
    if not is_import_path(text):
        raise ValueError(f"{text!r} is no import path: expected package.module:name")
    return text


ImportPath = Annotated[str, AfterValidator(_checked)]


def load_object(path: str, what: str) -> Any:
    """Import what a user brings.

    Args:
        path: Import path, `package.module:name`.
        what: What it is, for messages: `gate`, `drift method`.

    Returns:
        What has that name.

    Raises:
        ConfigurationError: If the text is no import path, the module cannot be imported, or it has nothing
            of that name.
    """
    if not is_import_path(path):
        raise ConfigurationError(f"{what} {path!r} is no import path: expected package.module:name")
    try:
        return resolve_name(path)
    # Importing a module of the user's runs it: it can raise anything.
    except Exception as error:
        raise unloadable(path, what, error) from error


def unloadable(path: str, what: str, error: Exception, hint: str = "") -> ConfigurationError:
    """Return the error that says what stands in the way of something that a user brings.

    Args:
        path: Its import path.
        what: What it is.
        error: What was raised.
        hint: What else it needs, appended to the advice.
    """
    return ConfigurationError(
        f"{what} {path!r} cannot be loaded: {type(error).__name__}: {error}. It must be importable where "
        f"the flow runs{hint}"
    )


def load_function(path: str, what: str, expected: str) -> Callable[..., Any]:
    """Import a function of a user's, or anything else that can be called.

    Args:
        path: Import path, `package.module:name`.
        what: What it is, for messages.
        expected: How it is called and what it returns, for messages: `gate(context) -> Gate`.

    Returns:
        The function.

    Raises:
        ConfigurationError: See `load_object`; also if it cannot be called.

    Example:
        >>> load_function("math:sqrt", "root", "root(number) -> float")(9.0)
        3.0
    """
    found = load_object(path, what)
    if not callable(found):
        raise ConfigurationError(
            f"{what} {path!r} is a {type(found).__name__}: expected a function {expected}"
        )
    return found


def raised_at(error: Exception, caller: str) -> str:
    """Return where a user's code raised, for a message that goes without its traceback.

    Args:
        error: What it raised.
        caller: File that called it, whose own lines do not count.

    Returns:
        Line and file in brackets, after a blank; empty when it raised in the caller.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != caller]
    return f" (line {own[0].lineno} of {own[0].filename})" if own else ""


def source_digests(paths: Iterable[str]) -> dict[str, str]:
    """Return digests of the source that import paths lead to: edited, they are other ones.

    Of each, the module that is named counts, and the one that defines what is named; what these import
    does not.

    Args:
        paths: Import paths.

    Returns:
        Import path to 64 hexadecimal characters; empty for a module without source. Of what cannot be
        imported, why.
    """
    return {path: _source_digest(path) for path in dict.fromkeys(paths)}


def _source_digest(path: str) -> str:
    try:
        found = load_object(path, "own code")
    except ConfigurationError as error:
        # Whoever needs it fails with this; what can be imported again is other code.
        return str(error)
    named = sys.modules.get(path.partition(":")[0])
    modules = dict.fromkeys(filter(None, [named, inspect.getmodule(found)]))
    try:
        text = "".join(inspect.getsource(module) for module in modules)
    except (OSError, TypeError):
        return ""
    return hashlib.sha256(text.encode()).hexdigest()

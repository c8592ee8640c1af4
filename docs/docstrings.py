"""An extension of griffe: what mkdocstrings cannot read from the sources as they are written.

Fields of pydantic models are described where the forms of the Prefect UI need it, in `Field(description=...)`, and an
`Example:` in the doctest form is an example, not a note.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from griffe import Attribute, Docstring, ExprCall, ExprKeyword, Extension, Object


def _description(attribute: Attribute) -> str | None:
    call = attribute.value
    if not isinstance(call, ExprCall) or str(call.function) != "Field":
        return None
    for argument in call.arguments:
        if isinstance(argument, ExprKeyword) and argument.name == "description":
            return str(ast.literal_eval(str(argument.value)))
    return None


class Docstrings(Extension):
    """Completes docstrings."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Describe a field by its description, unless its class did so in prose."""
        parent = attr.parent
        told = (
            parent is not None and parent.docstring and f" {attr.name}: " in parent.docstring.value
        )
        description = _description(attr)
        if description and not told:
            attr.docstring = Docstring(description, parent=attr)
            # Constraints and examples are for the form; the default is what a reader looks for.
            attr.value = _default(attr.value)

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Let doctests be read as examples."""
        if obj.docstring is not None:
            text = obj.docstring.value
            obj.docstring.value = re.sub(r"(?m)^( *)Example:\n(?=\s*>>>)", r"\1Examples:\n", text)


def _default(call: Any) -> Any:
    for argument in call.arguments:
        if not isinstance(argument, ExprKeyword):
            return None if str(argument) == "..." else argument
        if argument.name == "default":
            return argument.value
        if argument.name == "default_factory":
            return f"{argument.value}()"
    return None

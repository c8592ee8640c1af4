"""Redaction: drops, hashes or truncates columns before they are logged.

It is applied in the process that predicts, before anything is written: neither the database nor the
spool of a logger ever holds what was taken away.

| rule | keeps of a value |
| --- | --- |
| `drop` | nothing: the feature is not logged at all |
| `hash` | 32 hexadecimal characters: the first 128 bits of HMAC-SHA256 (RFC 2104) under `key` |
| `{"truncate": n}` | the first n characters of its text |

A value's text is what both rules see:

| value | text |
| --- | --- |
| text | itself |
| whole numbers, of any type | digits: 1, 1.0, Decimal("1.00") and "1" are one value, with one hash |
| other numbers, booleans | as Python writes them |
| moments | ISO 8601, in UTC when they have a zone: 4 characters keep the year, 7 the month, 10 the day |
| bytes | hexadecimal |
| None, not a number, NaT | stays missing: None |

A list or mapping has no text of its own, and is refused: drop it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from ..core.errors import ConfigurationError
from ..core.names import text_of
from ..core.secret_text import as_secret
from ..core.settings import Columns, Settings

HASH_CHARACTERS = 32


class Truncate(Settings):
    """Keep the beginning of a value."""

    truncate: int = Field(ge=1, description="Characters to keep of the value's text.")


Rule = Literal["drop", "hash"] | Truncate


class Redaction(Settings):
    """What of each column may be kept in the prediction log. Columns without a rule are logged as they are.

    Raises:
        pydantic.ValidationError: On construction, for an unknown rule, or for `hash` without a key.

    Example:
        >>> rules = {"name": "drop", "phone": "hash", "postcode": {"truncate": 3}}
        >>> redaction = Redaction(columns=rules, key="a key of 16 characters or more")
        >>> redaction.apply({"name": "Ana", "postcode": "1100-148", "age": 41})
        {'postcode': '110', 'age': 41}
    """

    columns: dict[str, Rule] = Field(
        min_length=1,
        description="Column to its rule: `drop`, `hash`, or `truncate` with a number of characters. "
        "Features take any; the id takes `hash`.",
        examples=[{"name": "drop", "phone": "hash", "postcode": {"truncate": 3}}],
    )
    key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Key of the hashes, at least 16 characters, such as 32 random bytes as text. With "
        "it, values can be tried out; with another key every hash is another one.",
    )

    _hidden = field_validator("key", mode="before")(as_secret)

    @model_validator(mode="after")
    def _key_for_hashes(self) -> Self:
        hashed = [name for name, rule in self.columns.items() if rule == "hash"]
        if hashed and self.key is None:
            raise ValueError(f"columns {hashed} are hashed: set a key, the same in every process")
        return self

    @model_validator(mode="wrap")
    @classmethod
    def _hide_key(cls, data: Any, handler: ValidatorFunctionWrapHandler) -> Self:
        # Around everything, so last: pydantic quotes its input when it refuses anything of it.
        if isinstance(data, dict) and "key" in data:
            data = data | {"key": as_secret(data["key"])}
        return handler(data)

    def apply(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Return what may be kept of the features of one prediction.

        Args:
            features: Feature name to value. Those that are not there are not missed.

        Returns:
            A new mapping, in the same order.

        Raises:
            TypeError: If a value to hash or truncate has no text of its own; it is not quoted.
            ValueError: If two names are the same text.
        """
        # As it is logged: a name that is no text becomes one, and an enumeration's member its value.
        kept = {text_of(name): value for name, value in features.items()}
        if len(kept) < len(features):
            raise ValueError(f"the names {[*features]} are not different texts: rename a feature")
        for name, rule in self.columns.items():
            if name not in kept:
                continue
            if rule == "drop":
                del kept[name]
                continue
            try:
                text = _text(kept[name])
            except TypeError as error:
                raise TypeError(
                    f"column {name!r} cannot be redacted: {error}; drop it instead"
                ) from None
            if rule == "hash":
                kept[name] = None if text is None else self._digest(text)
            else:
                kept[name] = None if text is None else text[: rule.truncate]
        return kept

    def hashed(self, value: Any) -> str | None:
        """Return the hash of a value, as `apply` makes it: for the ids that a service logs itself.

        Args:
            value: A value with a text of its own, or None.

        Returns:
            32 hexadecimal characters; None for a missing value.

        Raises:
            ConfigurationError: If there is no key.
            TypeError: If the value has no text of its own.
        """
        text = _text(value)
        return None if text is None else self._digest(text)

    def features(self, columns: Columns) -> list[str]:
        """Return which features are redacted.

        Args:
            columns: Roles.

        Returns:
            The columns with a rule, but for the id and those that reach no model.
        """
        unseen = {columns.id, columns.weight, columns.group, *columns.ignored}
        return [name for name in self.columns if name not in unseen]

    def check(self, columns: Columns, found: Iterable[str] | None = None) -> None:
        """Refuse rules that could not be kept.

        Args:
            columns: Roles.
            found: Columns of the rows. None: those that the roles name.

        Raises:
            ConfigurationError: If a column with a rule is not there, or its role does not take the rule.
        """
        names = list(columns.features) if found is None else list(found)
        known = {*names, *columns.roles, *columns.ignored}
        unknown = [name for name in self.columns if name not in known]
        if names and unknown:
            raise ConfigurationError(
                f"redaction names columns that the rows do not have: {unknown}; found {sorted(names)}. "
                "Correct the names: a misspelled column would be logged as it is"
            )
        for role in ("target", "timestamp"):
            if getattr(columns, role) in self.columns:
                raise ConfigurationError(
                    f"redaction names {getattr(columns, role)!r}, which is the {role}: predictions are "
                    "logged with it. Redact features and the id only"
                )
        if self.columns.get(columns.id or "", "hash") != "hash":
            raise ConfigurationError(
                f"redaction of {columns.id!r}, the id, must be 'hash': labels find their prediction by it"
            )

    def check_training(self, columns: Columns) -> None:
        """Refuse to train on predictions whose features are redacted.

        Args:
            columns: Roles of a dataset that reads the prediction log.

        Raises:
            ConfigurationError: If a redacted column is one of its features.
        """
        names = self.features(columns)
        if columns.features:
            names = [name for name in names if name in columns.features]
        if names:
            raise ConfigurationError(
                f"the prediction log holds {names} redacted only, and a model trained on that would be "
                "asked about values it has never seen: list them in columns.ignored, or train on rows "
                "from another source"
            )

    def _digest(self, text: str) -> str:
        if self.key is None:
            raise ConfigurationError("redaction has no key to hash with: set redaction.key")
        key, message = self.key.get_secret_value(), text.encode("utf-8", "surrogatepass")
        return hmac.digest(key.encode(), message, "sha256").hex()[:HASH_CHARACTERS]


def _text(value: Any) -> str | None:
    """Return the text of a value, None for a missing one; `TypeError` if it has none of its own."""
    if isinstance(value, str):
        return text_of(value)
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        # A NumPy datetime finer than microseconds would become an integer.
        value = (value.astype("datetime64[us]") if value.dtype.kind == "M" else value).item()
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float | Decimal):
        if value != value:  # noqa: PLR0124 - only NaN differs from itself
            return None
        return str(int(value)) if _is_whole(value) else str(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return value.hex()
    raise TypeError(f"{type(value).__name__} has no text of its own")


def _is_whole(value: float | Decimal) -> bool:
    if isinstance(value, Decimal):
        # Beyond what a float can be, Python may refuse to write the digits out.
        return value.is_finite() and value.adjusted() <= 308 and value == value.to_integral_value()
    return float(value).is_integer()

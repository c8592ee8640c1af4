"""Removes secrets from text: from pydantic's messages, from URIs that are shown, from messages of libraries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pydantic import Secret, SecretStr

_HIDDEN = "***"
# `authMechanismProperties` may have a session's token in it.
_SECRET_WORDS = ("pass", "pwd", "token", "secret", "key", "signature", "mechanismproperties")
_SECRET_NAMES = {"password", "passwd", "pwd", "passphrase", "token", "secret", "credentials"}
# Client options of MongoDB that hold secrets, lowercase: refused as options, and not quoted.
SECRET_OPTIONS = {
    "password",
    "tlscertificatekeyfilepassword",
    "authmechanismproperties",
    "auto_encryption_opts",
}


def as_secret(value: Any) -> Any:
    """Wrap a value before pydantic looks at it: it quotes what it refuses, and a secret prints as stars.

    Args:
        value: What a secret field was given.

    Returns:
        None and secrets as they are, text as `SecretStr`, anything else wrapped too, to be refused.

    Example:
        >>> as_secret("mongodb://me:secret@host/db")
        SecretStr('**********')
    """
    if value is None or isinstance(value, Secret | SecretStr):
        return value
    return SecretStr(value) if isinstance(value, str) else Secret(value)


def names_a_secret(name: str) -> bool:
    """Return whether a keyword of that name can only be a secret.

    Example:
        >>> names_a_secret("api_token"), names_a_secret("token_column")
        (True, False)
    """
    lower = name.lower()
    ends = ("api_key", "apikey", "access_key", "private_key")
    return re.split(r"[\W_]", lower)[-1] in _SECRET_NAMES or lower.endswith(ends)


def public_uri(uri: str) -> str:
    """Return a URI without user, password and options.

    Example:
        >>> public_uri("postgresql://me:secret@host:5432/shop?sslmode=require")
        'postgresql://host:5432/shop'
    """
    scheme, separator, rest = uri.partition("://")
    # The path of a file may have an @; it has no user.
    if not scheme.startswith(("sqlite", "file")):
        # A password may hold any of / ? # @ unescaped: only what follows the last @ is safe to show.
        rest = rest.rpartition("@")[2]
    return f"{scheme}{separator}{rest.partition('?')[0]}"


def scrubbed(text: str, *uris: str | None) -> str:
    """Take the secrets of URIs out of a text, however they are escaped.

    Args:
        text: Message of a library that knew the URIs.
        uris: The URIs; None is none.

    Returns:
        The text with each URI as `public_uri` shows it, and stars for password and options.

    Example:
        >>> scrubbed("p@ss is wrong for me", "mongodb://me:p%40ss@host/db")
        '*** is wrong for me'
    """
    for uri in filter(None, uris):
        text = _scrubbed(text, uri)
    return text


def without_credentials(text: str, options: Mapping[str, Any] | None = None) -> str:
    """Take what looks like a secret out of a text that some code of a user's wrote.

    Args:
        text: The text.
        options: What the code was given: values whose names say that they are secrets go as well.

    Returns:
        The text without users and passwords of URIs and without the values of such options.

    Example:
        >>> without_credentials("no route to postgresql://me:s3cret@host/db?sslmode=require&token=abc")
        'no route to postgresql://***@host/db?sslmode=require&token=***'
    """
    clean = re.sub(r"(?<=://)\S*@", f"{_HIDDEN}@", text)
    words = "|".join(_SECRET_WORDS)
    given = re.compile(rf"([\w-]*(?:{words})[\w-]*=['\"]?)[^\s&,;'\"]+", re.IGNORECASE)
    clean = given.sub(rf"\1{_HIDDEN}", clean)
    for name, value in (options or {}).items():
        if _is_secret(name) and isinstance(value, str) and value:
            clean = clean.replace(value, _HIDDEN)
    return clean


def without_addresses(text: str) -> str:
    """Take all but the hosts of URIs out of a text: the path of a webhook is a password.

    Example:
        >>> without_addresses("404 for https://hooks.slack.com/services/T0/B0/x1 today")
        '404 for https://hooks.slack.com/*** today'
    """
    hosts = re.sub(r"(\w+://)(?:[^\s/'\"]*@)?([^\s/'\"?#@]+)[^\s'\"]*", rf"\1\2/{_HIDDEN}", text)
    return without_credentials(hosts)


def _scrubbed(text: str, uri: str) -> str:
    clean = text.replace(uri, public_uri(uri))
    rest = uri.partition("://")[2]
    options = rest.rpartition("@")[2].partition("?")[2]
    secrets = [rest.rpartition("@")[0].partition(":")[2], options]
    values = [option.partition("=")[2] for option in options.split("&") if _is_secret(option)]
    # Of `authMechanismProperties`, each has a name of its own: NAME:value,NAME:value.
    named = [part.replace(":", "=", 1) for value in values for part in unquote(value).split(",")]
    secrets += [*values, *(part.partition("=")[2] for part in named if _is_secret(part))]
    for secret in filter(None, secrets):
        forms = {secret, unquote(secret), unquote_plus(secret)}
        forms |= {
            escape(form, safe=safe)
            for form in forms
            for escape in (quote, quote_plus)
            for safe in ("", "/")
        }
        # The longest first: a shorter form may be part of it.
        for form in sorted(forms, key=len, reverse=True):
            clean = clean.replace(form, _HIDDEN)
    return clean


def _is_secret(option: str) -> bool:
    name = option.partition("=")[0].lower()
    return any(word in name for word in _SECRET_WORDS)

"""Secrets are shown nowhere, in whatever form they were written."""

from __future__ import annotations

from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.secret_text import as_secret, public_uri, scrubbed
from pydantic import SecretStr

PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=20
).filter(lambda text: text[0] not in "/?#")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://me:p@ss/w?rd@a:1,b:2/shop?tls=true", "mongodb://a:1,b:2/shop"),
        ("https://host", "https://host"),
        ("http://me:pa/ss@host:5000", "http://host:5000"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db"),
        ("sqlite:///relative/path.db", "sqlite:///relative/path.db"),
        (
            "sqlite:////home/me@work/mlflow.db?passphrase=secret",
            "sqlite:////home/me@work/mlflow.db",
        ),
    ],
)
def test_what_is_shown_of_a_uri_holds_no_credentials(uri, shown):
    assert public_uri(uri) == shown


@given(PASSWORDS, st.sampled_from([str, quote, lambda text: quote(text, safe=""), quote_plus]))
def test_a_message_is_rid_of_the_password_however_it_is_escaped(password, escape):
    uri = f"mongodb://me:{quote(password, safe='')}@host/db"
    said = scrubbed(f"cannot use {uri}: ({escape(password)}) is wrong", uri)
    assert password not in said
    assert quote(password, safe="") not in said
    assert said == "cannot use mongodb://host/db: (***) is wrong"


def test_secret_options_of_a_uri_are_hidden_and_plain_ones_are_not():
    uri = "postgresql://host/db?sslmode=require&password=hunter2%21"
    assert scrubbed("hunter2! is no password; require it", uri) == "*** is no password; require it"


@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], {"a": "hunter2"}, b"hunter2"])
def test_a_wrapped_value_prints_as_stars(value):
    assert "hunter2" not in f"{as_secret(value)!r} {as_secret(value)}"


def test_nothing_and_secrets_are_not_wrapped_again():
    secret = SecretStr("hunter2")
    assert as_secret(secret) is secret
    assert as_secret(None) is None

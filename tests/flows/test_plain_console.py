"""What people write and what is in data is printed as it is, whatever rich would make of it."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops import flows
from prefect_mlops.core.results import ApprovalRequest
from prefect_mlops.flows.approve_command import _list
from prefect_mlops.flows.evidence_commands import _show
from prefect_mlops.flows.plain_console import plain_console

WRITTEN = ["in wiki [OPS-12] section", "files in [/data]", "[red]stop[/]", "[link=x]", ":warning:"]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_note_of_a_person_is_shown_in_a_table_as_it_is(text, capsys):
    _show([{"[/evidence]": text}])
    printed = capsys.readouterr().out
    assert text in printed
    assert "[/evidence]" in printed


@pytest.mark.parametrize("text", WRITTEN)
def test_a_reason_that_waits_for_a_person_is_shown_as_it_is(text, capsys):
    request = ApprovalRequest(
        model="calls",
        version="3",
        run_id="r",
        reason=text,
        requested_at=datetime(2026, 6, 1, tzinfo=UTC),
        timeout_seconds=60,
        at_timeout="reject",
    )
    _list("calls", "calls", [request])
    assert text in capsys.readouterr().out


@given(st.text("[]/\\=:ab ", min_size=1, max_size=40).map(str.strip))
def test_nothing_in_a_text_is_obeyed(text):
    console = plain_console(soft_wrap=True)
    with console.capture() as printed:
        console.print(text)
    assert printed.get().strip() == text


def test_no_command_prints_through_a_console_of_its_own():
    for path in Path(next(iter(flows.__path__))).glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        made = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Console")
        ]
        assert not made or path.name == "plain_console.py", path.name

"""Validates rows against a suite with Great Expectations: offline, in memory, without progress bars."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from ..core.library_switches import GREAT_EXPECTATIONS_TELEMETRY_OFF, set_defaults
from .expectations import describe

if TYPE_CHECKING:
    import pandas as pd

_LOGGER = logging.getLogger("great_expectations")
_SHOWN = 3
# Beyond this many, a list of rows or values makes the page slow and no clearer.
_LISTED = 20

_STYLE = """<style>
body { font-family: system-ui, sans-serif; margin: 2rem; max-width: 75rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0; } td, th { border: 1px solid #ccc; padding: .3rem .6rem; }
td { vertical-align: top; } .badge-info { background: #eef; padding: 0 .3rem; } ul { padding-left: 1.2rem; }
.fa-check-circle::before { content: "\\2713"; color: #070; }
.fa-times::before, .fa-exclamation-triangle::before { content: "\\2717"; color: #b00; }
</style>"""


@dataclass(frozen=True)
class Finding:
    """What became of one expectation.

    Attributes:
        name: What was expected.
        held: Whether it holds.
        error: Why it could not be checked, or empty.
        blocking: Whether it is more than advice.
        share: Share of rows that break it, 0 to 1, or None when it is not about single rows.
        tolerated: Share of rows that may break it.
        reason: What was found, for people.
        rows: Positions of the rows that break it; empty when it is not about single rows.
    """

    name: str
    held: bool
    error: str = ""
    blocking: bool = True
    share: float | None = None
    tolerated: float | None = None
    reason: str = ""
    rows: list[int] = field(default_factory=list)


def check_rows(frame: pd.DataFrame, suite: dict[str, Any]) -> tuple[list[Finding], str]:
    """Hold rows against a suite.

    Args:
        frame: Rows, with positions as index.
        suite: The suite, in Great Expectations' JSON form.

    Returns:
        One finding an expectation, and the Data Docs page: one HTML file that needs no network.

    Raises:
        ConfigurationError: If the suite is empty or Great Expectations does not understand it.
    """
    set_defaults(GREAT_EXPECTATIONS_TELEMETRY_OFF)
    if _LOGGER.level == logging.NOTSET:
        _LOGGER.setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types import base

    # On import it gives its logger a level of its own, and tells of every temporary folder.
    logging.getLogger(base.__name__).setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = base.ProgressBarsConfig(globally=False)
    built = _build(suite)
    batch = (
        context.data_sources.add_pandas("rows")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("rows")
        .get_batch({"dataframe": frame})
    )
    found = batch.validate(
        built, result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False}
    )
    return findings_of(found, len(frame)), page_of(found)


def findings_of(found: Any, rows: int) -> list[Finding]:
    """Return one finding an expectation of a validation result on `rows` rows."""
    return [_finding(result, rows) for result in found.results]


def _build(suite: dict[str, Any]) -> Any:
    import great_expectations as gx
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    wanted = suite.get("expectations") if isinstance(suite, dict) else None
    if not isinstance(wanted, list) or not wanted:
        raise ConfigurationError(
            "the suite has no expectations: expected Great Expectations' JSON, "
            '{"name": …, "expectations": [{"type": …, "kwargs": {…}}]}'
        )
    built: Any = None
    for expectation in wanted:
        try:
            built = gx.ExpectationSuite(name="one", expectations=[expectation])
        except (ValueError, TypeError, KeyError, GreatExpectationsError) as error:
            raise ConfigurationError(f"the suite has a bad entry {expectation}: {error}") from error
        # An expectation of an unknown type is left out with no more than a log line.
        if not built.expectations:
            raise ConfigurationError(
                f"the suite has an expectation GX does not know: {expectation}"
            )
    return gx.ExpectationSuite(name=str(suite.get("name") or "suite"), expectations=wanted)


def _finding(result: Any, rows: int) -> Finding:
    config = result.expectation_config
    kwargs = dict(config.kwargs)
    name = describe(config.type, kwargs)
    blocking = str(getattr(config.severity, "value", config.severity or "critical")) == "critical"
    error = _error(result.exception_info)
    if error:
        return Finding(name, False, error=error, blocking=blocking)
    if result.success:
        return Finding(name, True, blocking=blocking)
    details = result.result or {}
    positions = details.get("unexpected_index_list")
    if positions is None or not all(isinstance(p, int) for p in positions):
        return Finding(name, False, blocking=blocking, reason=_observed(name, details))
    shown: list[str] = []
    for value in details.get("unexpected_list") or []:
        text = _shown(value)
        if text not in shown:
            shown.append(text)
        if len(shown) == _SHOWN:
            break
    share = len(positions) / rows if rows else 0.0
    return Finding(
        name,
        False,
        blocking=blocking,
        share=share,
        tolerated=round(1 - float(kwargs.get("mostly", 1.0)), 6),
        reason=f"{name}: broken in {len(positions)} of {rows} rows ({100 * share:.3g}%), "
        f"such as {', '.join(shown)}",
        rows=list(positions),
    )


def _error(info: Any) -> str:
    for record in _records(info):
        if record.get("raised_exception"):
            return str(record.get("exception_message") or "an error without a message")
    return ""


def _records(info: Any) -> list[dict[str, Any]]:
    # GX gives one record, or one a metric that raised.
    records = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    return [record for record in records if isinstance(record, dict)]


def _observed(name: str, details: dict[str, Any]) -> str:
    mismatched = (details.get("details") or {}).get("mismatched") or {}
    if mismatched.get("missing"):
        return f"{name}: missing {', '.join(map(str, mismatched['missing']))}"
    return f"{name}: found {str(details.get('observed_value'))[:200]}"


def _shown(value: Any) -> str:
    if value is None or str(value) in ("nan", "NaT"):
        return "null"
    return repr(value.item() if hasattr(value, "item") else value)[:60]


def _harmless(found: Any) -> Any:
    # GX writes values of the rows into its tables unescaped, and a row may hold markup.
    if isinstance(found, dict):
        return {key: _harmless(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_harmless(value) for value in found[:_LISTED]]
    return html.escape(found, quote=False) if isinstance(found, str) else found


def page_of(found: Any) -> str:
    """Return a validation result as Data Docs: one HTML page that needs no network."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    for result in found.results:
        for record in _records(result.exception_info):
            # Paths of this machine, and nothing that helps to mend the rows.
            record["exception_traceback"] = ""
        result.result = _harmless(result.result or {})
    page = str(DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(found)))
    # The page asks the network for its styles, scripts, fonts and logo: without them it must be
    # readable, and opening a report must tell no one.
    page = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    page = re.sub(r"<link\b[^>]*>", "", page)
    page = re.sub(r"<nav\b.*?</nav>\s*(?:</nav>)?|<footer\b.*?</footer>", "", page, flags=re.DOTALL)
    page = re.sub(r"<img\b[^>]*>|@import[^;]*;", "", page)
    page = re.sub(r"url\(['\"]?https?:[^)]*\)", "none", page)
    return page.replace("</head>", f"{_STYLE}</head>", 1)

"""Evidently metrics that display drift scores measured elsewhere. Import it late: Evidently takes seconds."""

from __future__ import annotations

import math
from typing import Any

from evidently.core.metric_types import (
    MetricTest,
    MetricTestResult,
    SingleValueCalculation,
    SingleValueMetric,
)
from evidently.legacy.renderers.html_widgets import (
    CounterData,
    counter,
    plotly_figure,
    table_data,
)
from evidently.legacy.tests.base_test import TestStatus
from plotly import graph_objects as go


class WithinLimit(MetricTest):
    """Passes unless the signal drifted."""

    def to_test(self) -> Any:
        """Return the function that Evidently calls."""

        def run(_context: Any, calculation: Any, value: Any) -> MetricTestResult:
            metric = calculation.to_metric()
            limit = "no limit" if metric.limit is None else f"limit {metric.limit:.4g}"
            return MetricTestResult(
                id="within_limit",
                name=metric.label,
                description=metric.reason or f"measured {value.value:.4g}, {limit}",
                metric_config=calculation.to_metric_config(),
                test_config=self.dict(),
                status=TestStatus.FAIL if metric.drifted else TestStatus.SUCCESS,
            )

        return run


class DriftOverview(SingleValueMetric):
    """The verdict on a window.

    Attributes:
        title: What the window is.
        verdict: The verdict.
        rows: Rows of the table, two texts each.
    """

    title: str
    verdict: str
    rows: list[list[str]]


class DriftOverviewCalculation(SingleValueCalculation[DriftOverview]):
    """Draws the verdict; its value is 1 for drift."""

    def display_name(self) -> str:
        """Return the widget's title."""
        return self.metric.title

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> Any:
        """Return the value with its table."""
        result = self.result(float(self.metric.verdict == "failed"))
        result.widget = [
            table_data(
                title=self.metric.title,
                column_names=["", "this window"],
                data=self.metric.rows,
            )
        ]
        return result


class DriftSignal(SingleValueMetric):
    """One signal of one column.

    Attributes:
        label: Column and measure.
        score: What was measured; NaN when it was not.
        limit: Above it the column counts as drifted, or None.
        drifted: Whether it does.
        reason: Why it was not measured, or a remark.
        bars: Histograms to draw: `x`, `reference`, `current`.
    """

    label: str
    score: float
    limit: float | None = None
    drifted: bool
    reason: str
    bars: dict[str, list[Any]] | None = None


class DriftSignalCalculation(SingleValueCalculation[DriftSignal]):
    """Draws a signal."""

    def display_name(self) -> str:
        """Return the widget's title."""
        return self.metric.label

    def calculate(self, context: Any, current_data: Any, reference_data: Any) -> Any:
        """Return the score with its counters and histograms."""
        metric = self.metric
        result = self.result(metric.score)
        verdict = "drifted" if metric.drifted else "no drift"
        measured = "not measured" if math.isnan(metric.score) else f"{metric.score:.4f}"
        counters = [CounterData(label=metric.reason or verdict, value=measured)]
        if metric.limit is not None:
            counters.append(CounterData(label="limit", value=f"{metric.limit:.4f}"))
        result.widget = [counter(title=f"{metric.label} ({verdict})", counters=counters)]
        if metric.bars is not None:
            figure = go.Figure(
                [
                    go.Bar(x=metric.bars["x"], y=metric.bars[side], name=side)
                    for side in ("reference", "current")
                ]
            )
            figure.update_layout(yaxis_title="share of rows", yaxis_tickformat=".0%")
            if isinstance(metric.bars["x"][0], str):
                # Categories such as "1" and "10" are no numbers.
                figure.update_xaxes(type="category")
            result.widget.append(plotly_figure(title="", figure=figure))
        return result

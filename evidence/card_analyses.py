"""The parts of a model card that are numbers: data, analyses, fairness, explanations, gates."""

from __future__ import annotations

from ..core.results import Comparison, MetricInterval, ModelScores
from ..metrics.losses import HIGHER_IS_BETTER
from .card_facts import CardFacts, DataPart, is_fairness
from .markdown import NOT_RECORDED, bar, code, gate_table, number, plain, table

_ROLES = {
    "training": "training: tuned and fitted on",
    "holdout": "holdout: decided on",
    "refit": "refit: the served model was fitted on",
}
_MOST_FEATURES = 50


def data_lines(facts: CardFacts) -> list[str]:
    """Return the rows that the version was made of, and the features."""
    lines = ["## Data", ""]
    if facts.data:
        rows = [
            [
                plain(_ROLES.get(part.role, part.role)),
                "" if part.rows is None else f"{part.rows:,}",
                _period(part),
                plain(part.source or ""),
                code(part.digest[:12]),
            ]
            for part in facts.data
        ]
        lines += [
            *table(
                ["rows", "number", "period (UTC)", "read from", "SHA-256"], rows, right=("number",)
            )
        ]
    else:
        lines += [f"Rows: {NOT_RECORDED}.", ""]
    if facts.feature_types:
        ordered = sorted(facts.feature_types, key=lambda name: -facts.importance.get(name, 0.0))
        rows = [
            [code(name), facts.feature_types[name], *_importance(facts, name)]
            for name in ordered[:_MOST_FEATURES]
        ]
        lines += [
            "### Features",
            "",
            "Importance is the share by which the metric rises when a column is shuffled on the holdout.",
            *table(["feature", "kind", "importance", ""], rows, right=("importance",)),
        ]
        if len(ordered) > _MOST_FEATURES:
            rest = ", ".join(code(name) for name in ordered[_MOST_FEATURES:])
            lines += [f"And {len(ordered) - _MOST_FEATURES} less important ones: {rest}.", ""]
    else:
        lines += [f"Features: {NOT_RECORDED}.", ""]
    return lines


def _importance(facts: CardFacts, name: str) -> list[str]:
    share = facts.importance.get(name)
    most = max(facts.importance.values(), default=0.0)
    return ["", ""] if share is None else [f"{share:.1%}", bar(share / most if most else 0.0)]


def _period(part: DataPart) -> str:
    if not part.first or not part.last:
        return "no timestamps" if part.rows is not None else ""
    return f"{part.first[:16].replace('T', ' ')} to {part.last[:16].replace('T', ' ')}"


def analyses(facts: CardFacts) -> list[str]:
    """Return scores with intervals, slices, and the comparison with the champion."""
    lines = ["## Quantitative analyses", ""]
    scores = facts.scores
    if scores is None:
        lines += [f"Scores: {NOT_RECORDED}.", ""]
    else:
        lines += [
            _counted(scores),
            *_score_table(scores),
            *(f"- {plain(text)}" for text in scores.missing),
        ]
        if scores.slices:
            rows = [
                [
                    plain(part.of),
                    f"{part.rows:,}",
                    number(part.metrics[0].value),
                    _interval(part.metrics[0]),
                ]
                for part in scores.slices
            ]
            lines += [
                "### Slices of the holdout",
                "",
                f"By {code(scores.slices[0].metrics[0].name)}, lower is better.",
                *table(
                    ["slice", "rows", "value", "interval"],
                    rows,
                    right=("rows", "value", "interval"),
                ),
            ]
        elif facts.columns.slices:
            lines += [
                "",
                "No slice of the holdout had enough rows (`gates.minimum_slice_rows`).",
                "",
            ]
    if facts.comparison is not None:
        lines += _comparison(facts.comparison)
    return lines


def _counted(scores: ModelScores) -> str:
    over = f"groups of rows with the same {code(scores.group)}" if scores.group else "rows"
    said = f"Intervals are of a bootstrap over {over}, at {scores.confidence:.0%}."
    return f"{said} Rows count what {code(scores.weight)} says." if scores.weight else said


def _score_table(scores: ModelScores) -> list[str]:
    by_rows = {part.of: {found.name: found for found in part.metrics} for part in scores.scores}
    names = list(dict.fromkeys(name for found in by_rows.values() for name in found))
    header = ["metric", "better"]
    for part in scores.scores:
        header += [f"{part.of} ({part.rows:,} rows)", f"interval on {part.of}"]
    rows = []
    for name in names:
        cells = [code(name), "higher" if name in HIGHER_IS_BETTER else "lower"]
        for part in scores.scores:
            found = by_rows[part.of].get(name)
            cells += [number(found.value), _interval(found)] if found else ["", ""]
        rows.append(cells)
    return table(header, rows, right=header[2:])


def _interval(found: MetricInterval) -> str:
    if found.low is None or found.high is None:
        return "none"
    return f"{number(found.low)} to {number(found.high)}"


def _comparison(comparison: Comparison) -> list[str]:
    if comparison.champion_score is None:
        reason = comparison.gates[0].reason if comparison.gates else "there was no champion"
        return ["### Against the champion", "", f"Not compared: {plain(reason)}.", ""]
    rows = [
        ["this model", number(comparison.candidate_score)],
        [
            f"champion, version {plain(comparison.champion_version)}",
            number(comparison.champion_score),
        ],
    ]
    if comparison.improvement is not None:
        rows.append(["improvement", number(comparison.improvement)])
    if comparison.interval is not None:
        low, high = comparison.interval
        rows.append([f"{comparison.confidence:.0%} interval", f"{number(low)} to {number(high)}"])
    lines = [
        "### Against the champion",
        "",
        f"By {code(comparison.metric)} on the same {comparison.rows:,} rows, lower is better.",
        *table(["model", "value"], rows, right=("value",)),
    ]
    if comparison.slices:
        compared = [
            [
                plain(f"{part.column} = {part.value}"),
                f"{part.rows:,}",
                number(part.candidate),
                number(part.champion),
            ]
            for part in comparison.slices
        ]
        lines += table(
            ["slice", "rows", "this model", "champion"],
            compared,
            right=("rows", "this model", "champion"),
        )
    return lines


def fairness_lines(facts: CardFacts) -> list[str]:
    """Return the gates that judge groups of people, or that there are none."""
    found = [gate for gate in facts.gates if is_fairness(gate)]
    if not found:
        return ["## Fairness", "", "No gate compared groups of people.", ""]
    return ["## Fairness", *gate_table(found)]


def explanation_lines(facts: CardFacts) -> list[str]:
    """Return what SHAP found, and its picture."""
    lines = ["## Explanation", ""]
    if facts.scores is None:
        return [*lines, f"By SHAP values: {NOT_RECORDED}.", ""]
    found = facts.scores.explanation
    if found.method is None:
        return [*lines, f"Not explained by SHAP values: {plain(found.reason)}.", ""]
    lines += [f"{plain(found.method)} on {found.rows:,} holdout rows: {plain(found.reason)}."]
    shown = sorted(found.shares.items(), key=lambda part: -part[1])[:_MOST_FEATURES]
    most = max(found.shares.values(), default=0.0) or 1.0
    rows = [[code(name), f"{share:.1%}", bar(share / most)] for name, share in shown]
    lines += table(["feature", "share", ""], rows, right=("share",))
    if facts.picture:
        lines += [f"![SHAP values by feature]({facts.picture})", ""]
    return lines


def gate_lines(facts: CardFacts) -> list[str]:
    """Return every gate of the training, those that decide apart from advice."""
    lines = ["## Gates", ""]
    if not facts.gates:
        return [*lines, f"Gates: {'none: it was adopted' if facts.adopted else NOT_RECORDED}.", ""]
    for title, blocking in (("Deciding", True), ("Advice", False)):
        found = [gate for gate in facts.gates if gate.blocking is blocking]
        said = (
            "None."
            if not found
            else f"{sum(g.verdict == 'passed' for g in found)} of {len(found)} passed."
        )
        lines += [f"### {title}", "", said, *(gate_table(found) if found else [""])]
    return lines

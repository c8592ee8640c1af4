"""Writes a model card: Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019, 220-229.

Its sections are theirs: model details, intended use, factors, metrics, training and evaluation data, quantitative
analyses, ethical considerations, caveats. Nothing in it depends on when or where it is written.
"""

from __future__ import annotations

from .card_analyses import analyses, data_lines, explanation_lines, fairness_lines, gate_lines
from .card_facts import CardFacts
from .card_standing import approver, moment, standing
from .markdown import NOT_RECORDED, NOT_STATED, code, number, plain, table


def card_markdown(facts: CardFacts) -> str:
    """Return the card of a version as Markdown.

    Args:
        facts: What is known of it.

    Returns:
        The text. A fact that was not recorded says so, and what the project does not say is "not stated".
    """
    lines = [
        f"# Model card: {plain(facts.version.name)}, version {plain(facts.version.version)}",
        "",
        *_lead(facts),
        *_details(facts),
        *_intended_use(facts),
        *_factors(facts),
        *_metrics(facts),
        *data_lines(facts),
        *analyses(facts),
        *fairness_lines(facts),
        *explanation_lines(facts),
        *gate_lines(facts),
        *_section("Ethical considerations", _said(facts.said.considerations)),
        *_section("Limits", _said(facts.said.limits)),
        *_history(facts),
        *_software(facts),
    ]
    return "\n".join(_without_double_gaps(lines)) + "\n"


def _lead(facts: CardFacts) -> list[str]:
    lines = [f"> {standing(facts)}"]
    promise = facts.promise
    if promise is not None:
        spread = (
            f", varying by {number(promise.spread)} from period to period" if promise.spread else ""
        )
        lines += [
            ">",
            f"> It promises {code(promise.metric)} {number(promise.value)}{spread}; lower is better.",
        ]
    if facts.not_stated:
        names = ", ".join(code(f"card.{name}") for name in facts.not_stated)
        lines += [">", f"> Only people can say, and nobody has: {names}."]
    return [*lines, ""]


def _details(facts: CardFacts) -> list[str]:
    algorithm = plain(facts.estimator) if facts.estimator else NOT_RECORDED
    rows = [
        ["owner", _said(facts.said.owner)],
        ["contact", _said(facts.said.contact)],
        ["registered", facts.created.strftime("%Y-%m-%d %H:%M UTC")],
        ["predicts", f"{code(facts.columns.target)}, {_KINDS[facts.task_type]}"],
        ["algorithm", algorithm],
        ["MLflow", f"{code(facts.version.uri)}, run {code(facts.version.run_id)}"],
    ]
    lines = ["## Model details", *table(["", ""], rows)]
    if facts.parameters:
        pairs = [[code(name), code(value)] for name, value in sorted(facts.parameters.items())]
        lines += ["### Hyperparameters", *table(["parameter", "value"], pairs)]
    if facts.trials:
        ended = ", ".join(f"{count} {state}" for state, count in sorted(facts.trials.items()))
        lines += [f"Found among {sum(facts.trials.values())} trials: {plain(ended)}."]
    return lines


_KINDS = {
    "binary": "one of two classes",
    "multiclass": "one of several classes",
    "regression": "a number",
}


def _intended_use(facts: CardFacts) -> list[str]:
    rows = [
        ["purpose", _said(facts.said.purpose)],
        ["users", _said(facts.said.users)],
        ["not for", _said(facts.said.not_for)],
    ]
    return ["## Intended use", *table(["", ""], rows)]


def _factors(facts: CardFacts) -> list[str]:
    slices = facts.columns.slices
    if slices:
        named = ", ".join(code(name) for name in slices)
        said = f"The model is measured by value of {named} (`columns.slices`)."
    else:
        said = "No column is named to measure the model by value of (`columns.slices`)."
    lines = _section("Factors", said)
    if facts.target_shares:
        shares = [[code(name), f"{share:.1%}"] for name, share in facts.target_shares.items()]
        lines += [
            "### Classes of the holdout",
            *table(["class", "share of rows"], shares, right=("share of rows",)),
        ]
    return lines


def _metrics(facts: CardFacts) -> list[str]:
    lines = [
        "## Metrics",
        "",
        f"Decided by {code(facts.metric)}, lower is better, on rows that the model was neither tuned nor fitted on.",
        "",
    ]
    promise = facts.promise
    if promise is not None:
        periods = ", ".join(number(value) for value in promise.periods) or number(promise.value)
        lines += [
            "### Promise",
            "",
            "What monitoring holds the model to: the metric over all periods.",
            *table(
                ["promised", "value"],
                [
                    [code(promise.metric), number(promise.value)],
                    ["rows", number(float(promise.rows))],
                    ["spread from period to period", number(promise.spread)],
                    ["by period, newest first", periods],
                ],
                right=("value",),
            ),
        ]
    return lines


def _history(facts: CardFacts) -> list[str]:
    lines = ["## How it came about", ""]
    cause = facts.cause
    if cause is not None:
        lines += [f"A retraining was asked for: {plain(cause.reason)}.", ""]
        if cause.drifted_columns:
            drifted = ", ".join(code(name) for name in cause.drifted_columns)
            lines += [f"Drifted, most important first: {drifted}.", ""]
        lines += [f"Cause {code(cause.id)}, decided {cause.decided_at:%Y-%m-%d %H:%M} UTC.", ""]
    elif not facts.adopted:
        lines += ["No cause asked for it: a person or a schedule did.", ""]
    if facts.executor:
        rows = [
            [plain(name.replace("_", " ")), code(value)] for name, value in facts.executor.items()
        ]
        lines += ["### Executor", *table(["", ""], rows)]
    if facts.reasons:
        lines += ["Why its training did not promote it:", ""]
        lines += [f"- {plain(reason)}" for reason in facts.reasons]
    if facts.moves:
        rows = [
            [
                moment(move),
                f"version {plain(move.get('previous') or 'none')} to {plain(move.get('version'))}",
                approver(move),
                plain(move.get("reason", "")),
            ]
            for move in facts.moves
        ]
        lines += [
            "### Promotion log",
            *table(["at (UTC)", "champion", "approval", "reason"], rows),
        ]
    if facts.approvals:
        rows = [[plain(name), plain(text)] for name, text in sorted(facts.approvals.items())]
        lines += ["### Approval", *table(["", ""], rows)]
    return lines


def _software(facts: CardFacts) -> list[str]:
    rows = [[plain(name), code(text)] for name, text in facts.environment.items()]
    content = table(["software", "version"], rows) if rows else ["", NOT_RECORDED, ""]
    return ["## Software", *content]


def _said(text: str | None) -> str:
    return plain(text) if text else NOT_STATED


def _section(name: str, text: str) -> list[str]:
    return [f"## {name}", "", text, ""]


def _without_double_gaps(lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith("#") and found and found[-1]:
            found.append("")
        if line or (found and found[-1]):
            found.append(line)
    return found

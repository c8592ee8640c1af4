"""What the package can see by itself of each of the 28 tests: a rule a test, and what it looked at.

A rule gives a point for what was done and recorded, never for what is only configured. Tests without a rule are
for people to attest.
"""

from __future__ import annotations

from ..core.settings import ReadinessSettings
from ..core.settings.gate_kinds import BASELINE, FAIRNESS, SLICES
from ..gates.baseline import GUESS, LINEAR
from ..gates.comparison import NON_INFERIORITY, SUPERIORITY
from ..gates.floors import FLOOR
from ..gates.slices import SLICE
from ..gates.weak_segments import NAME as SEGMENTS
from .card_facts import is_fairness
from .readiness_facts import ReadinessFacts
from .readiness_findings import Finding, Rule, nothing, of_gates
from .readiness_monitoring import fresh, good_predictions, invariants, speed, stable, unskewed

_FEWEST_TRIALS = 10


def schema(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """D1: the champion's rows were checked against a suite of expectations."""
    if facts.suite is None:
        return nothing("no version names a suite that its rows were checked with", "train")
    return Finding(
        1.0, [f"the champion's rows were checked with the expectations in {facts.suite}"]
    )


def useful(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """D2: every feature of the champion has some permutation importance."""
    if not facts.importance:
        return nothing("no champion with a stored importance", "train, or adopt a model")
    idle = sorted(name for name, share in facts.importance.items() if share <= 0)
    looked = (
        f"permutation importance of the champion's {len(facts.importance)} features on its holdout"
    )
    if idle:
        named = ", ".join(idle[:8]) + (" and more" if len(idle) > 8 else "")
        return Finding(
            0.0,
            [looked, f"{len(idle)} have none: {named}"],
            "drop them (columns.ignored), or attest why they are needed",
        )
    return Finding(1.0, [looked, "every one has some"])


def tuned(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """M3: the newest training's study finished enough trials."""
    looked = f"the newest training's study finished {facts.trials} trials"
    if facts.trials < _FEWEST_TRIALS:
        return nothing(looked, f"set training.trials to {_FEWEST_TRIALS} at least")
    return Finding(1.0, [looked])


def staleness_cost(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """M4: a backtest of a model that is never trained again. No gate tells what age costs."""
    if facts.backtests:
        return Finding(
            0.5,
            [f"a backtest with the policy 'never' is in {facts.backtests[0]}"],
            "repeat it on a schedule and attest that, for a whole point",
        )
    return nothing(
        "no backtest with the policy 'never' in the workspace",
        "run the backtest flow on the history",
    )


def simpler(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """M5: the candidate is surely better than a guess and than a linear model."""
    todo = f"let {GUESS!r} and {LINEAR!r} be asked"
    gates = facts.gates_of(lambda gate: gate.name in (GUESS, LINEAR), BASELINE)
    found = of_gates(gates, "a simpler model", todo)
    if found.points and LINEAR not in {gate.name for gate in gates}:
        return Finding(0.0, [*found.evidence, "no linear model was compared"], todo)
    return found


def slices(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """M6: every gate about a slice or segment passed, and every column of `columns.slices` has one."""
    gates = facts.gates_of(
        lambda gate: gate.name == SEGMENTS or (gate.name.startswith(SLICE) and "=" in gate.name),
        SLICES,
    )
    found = of_gates(
        gates, "a slice", "name the important ones in columns.slices, and skip no gate"
    )
    unjudged = [
        name
        for name in facts.setup.columns.slices
        if not any(gate.name.startswith(f"{SLICE}{name}=") for gate in gates)
    ]
    if found.points and unjudged:
        return Finding(
            0.0,
            [*found.evidence, f"no value of {', '.join(unjudged)} was judged (columns.slices)"],
            "hold out more rows, or lower gates.minimum_slice_rows",
        )
    return found


def inclusion(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """M7: every gate about fairness passed."""
    return of_gates(
        facts.gates_of(is_fairness, FAIRNESS),
        "groups of people",
        "name protected columns and limits in gates.fairness",
    )


def validated(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """I4: the newest training's candidate had to pass a comparison or a floor."""
    deciding = [gate for gate in facts.gates if gate.blocking]
    judged = [
        gate
        for gate in deciding
        # Without a champion there is nothing to be better than, and no value.
        if gate.value is not None
        and gate.verdict != "not_run"
        and (gate.name in (SUPERIORITY, NON_INFERIORITY) or gate.name.endswith(FLOOR))
    ]
    if not judged:
        return nothing(
            "no gate of the newest training judged the model's quality",
            "set gates.floors: a first model has no champion to be compared with",
        )
    shown = [f"gate {gate.name!r} decided: {gate.reason}" for gate in judged[:5]]
    return Finding(1.0, [f"{len(deciding)} gates could stop the newest candidate", *shown])


def canaried(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """I6: a canary had the labels to look at a challenger's metric on live traffic."""
    looks = [entry for entry in facts.canaries if entry.get("look") is not None]
    if not looks:
        return nothing(
            "the journal has no look at a challenger's metric on live traffic",
            "send a share of requests to the challenger, and run the canary's flow until the labels are enough",
        )
    return Finding(1.0, [f"the journal has {len(looks)} looks at challengers on live traffic"])


def rolls_back(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """I7: an earlier champion whose files are there; a whole point where somebody went back already."""
    if facts.previous is None:
        return nothing(
            "the promotion log has no champion to go back to", "promote a second version"
        )
    if facts.previous_missing is not None:
        return Finding(
            0.0,
            [f"version {facts.previous} was the champion before: {facts.previous_missing}"],
            "bring its files back",
        )
    there = f"version {facts.previous} was the champion before, and its files are there"
    if facts.rollbacks:
        move = facts.rollbacks[0]
        return Finding(
            1.0,
            [
                there,
                f"the promotion log shows a roll back to version {move['version']} at {move['at'][:16]}",
            ],
        )
    return Finding(0.5, [there, "nobody has rolled back yet"], "roll back once, and forth again")


RULES: dict[str, Rule] = {
    "D1": schema,
    "D2": useful,
    "M3": tuned,
    "M4": staleness_cost,
    "M5": simpler,
    "M6": slices,
    "M7": inclusion,
    "I4": validated,
    "I6": canaried,
    "I7": rolls_back,
    "O2": invariants,
    "O3": unskewed,
    "O4": fresh,
    "O5": stable,
    "O6": speed,
    "O7": good_predictions,
}

"""How often a promotion is right, by simulation with the rules that decide it.

`python benchmarks/promotion_rates.py [--repetitions 200] [--part superiority] [--part power] [--part
non-inferiority]` draws holdouts on which champion and candidate are as good, better or worse by a known amount,
and asks `superiority` and `non_inferiority` of gates/comparison.py, with default settings. Promised:

- of candidates as good as the champion, at most 5% are promoted under superiority, in any 200 of them: a 95%
  interval leaves out 2.5% on that side, and a bootstrap of few rows a little more;
- of those better by twice the margin, 80% are, on as many rows as the formula below asks for;
- of those worse by just the allowance, at most 5% are promoted under non-inferiority.

Both models see the same truth through errors of which they share one part (what no model of the data knows) and have
one of their own (what the fit got wrong), so that the losses of a row are correlated as those of two fits of one
dataset are. Three tasks: classes in equal shares and log loss; numbers with a heavy tail (Student's t with 5
degrees of freedom) and rmse; a rare class, one row in about twenty, and log loss. The worse model has the larger error
of its own, such that the expected metrics, by quadrature, differ by just what the table says.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.gates.comparison import non_inferiority, superiority
from scipy import optimize, stats

SIZES = (500, 1_000, 2_000, 5_000)
FEW = (50, 100, 200)
# Rows are counted for nine in ten, so that four in five of any 200 are promoted.
POWER, PROMOTED = 0.9, 0.8
# Of the hundred cells, one in ten runs may say "not kept" of a rule that is just as promised.
SURE = 0.999
# Errors that both models make, and of the better one alone.
SHARED, OWN = 0.4, 0.3
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class Task:
    """What is predicted: log odds around `center`, or numbers when it is None."""

    name: str
    metric: str
    center: float | None
    margins: tuple[float, ...]

    def expected(self, own: float) -> float:
        """Return the metric of a model with an error of its own, on endless rows."""
        error = math.hypot(SHARED, own)
        if self.center is None:
            return math.sqrt(1.0 + error**2)
        truth = self.center + 1.5 * NODES[:, None]
        said = truth + error * NODES
        chance = 1 / (1 + np.exp(-truth))
        losses = chance * np.logaddexp(0, -said) + (1 - chance) * np.logaddexp(0, said)
        return float(WEIGHTS @ losses @ WEIGHTS)

    def decides(self, rows: int) -> bool:
        """Return whether so few rows hold enough of both classes to decide anything."""
        if self.center is None:
            return True
        chance = float(WEIGHTS @ (1 / (1 + np.exp(-self.center - 1.5 * NODES))))
        # Twice, as the number of rows of a class varies from holdout to holdout.
        return rows * min(chance, 1 - chance) >= 2 * GateSettings().minimum_class_rows

    def errors(self, ratio: float) -> tuple[float, float]:
        """Return both models' own errors when the candidate's metric is `ratio` of the champion's."""
        best = self.expected(OWN)
        wanted = best * max(ratio, 1 / ratio)
        worse = optimize.brentq(lambda own: self.expected(own) - wanted, OWN, 20.0)
        return (OWN, worse) if ratio > 1 else (worse, OWN)

    def draw(
        self, rows: int, errors: tuple[float, float], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses of champion and candidate on the same new rows."""
        shared = SHARED * rng.standard_normal(rows)
        wrong = [shared + own * rng.standard_normal(rows) for own in errors]
        if self.center is None:
            noise = rng.standard_t(5, rows) / math.sqrt(5 / 3)
            before, after = (np.square(error - noise) for error in wrong)
            return before, after
        truth = self.center + 1.5 * rng.standard_normal(rows)
        side = np.where(rng.random(rows) < 1 / (1 + np.exp(-truth)), -1.0, 1.0)
        before, after = (np.logaddexp(0, side * (truth + error)) for error in wrong)
        return before, after

    def spread(self, errors: tuple[float, float]) -> float:
        """Return the standard deviation of a row's part in the improvement."""
        losses = self.draw(500_000, errors, np.random.default_rng(0))
        if self.metric == "rmse":
            # The delta method: rmse is the root of a mean.
            losses = tuple(each / (2 * math.sqrt(each.mean())) for each in losses)
        return float(np.std(losses[0] - losses[1]))


TASKS = (
    Task("classes", "log_loss", 0.0, (0.005, 0.01, 0.02)),
    Task("numbers", "rmse", None, (0.01, 0.02, 0.04)),
    Task("rare class", "log_loss", -3.9, (0.005, 0.01, 0.02)),
)
Rule = Callable[[str, np.ndarray, np.ndarray, int], bool]


def better_by(margin: float) -> Rule:
    """Return the rule for a candidate without a cause."""
    gates = GateSettings(margin=margin)

    def rule(metric: str, before: np.ndarray, after: np.ndarray, seed: int) -> bool:
        gate, _ = superiority(metric, before=before, after=after, settings=gates, seed=seed)
        return gate.verdict == "passed"

    return rule


def not_worse(metric: str, before: np.ndarray, after: np.ndarray, seed: int) -> bool:
    """Judge a candidate whose cause is confirmed."""
    gate, _ = non_inferiority(
        metric,
        before=before,
        after=after,
        settings=GateSettings(),
        seed=seed,
        confirmed="the newest rows confirm the cause",
    )
    return gate.verdict == "passed"


def promoted(task: Task, rule: Rule, rows: int, ratio: float, repetitions: int) -> int:
    """Return how many of the candidates are promoted."""
    errors = task.errors(ratio)
    count = 0
    for seed in range(repetitions):
        before, after = task.draw(rows, errors, np.random.default_rng([seed, rows]))
        count += rule(task.metric, before, after, seed)
    return count


def verdict(count: int, repetitions: int, *, most: float = 1.0, least: float = 0.0) -> str:
    """Say whether what was counted is beyond a promise by more than chance."""
    high = stats.binom.ppf(SURE, repetitions, most)
    low = stats.binom.ppf(1 - SURE, repetitions, least)
    return f"{count / repetitions:.1%}" + ("" if low <= count <= high else " NOT KEPT")


def equally_good(repetitions: int) -> Iterator[str]:
    """Tabulate what superiority promotes of candidates that are just as good."""
    yield (
        "| as good as the champion | margin | correlation of losses | "
        + " | ".join(f"{rows:,} rows" for rows in FEW + SIZES)
        + " |"
    )
    yield "|---" * (3 + len(FEW + SIZES)) + "|"
    for task in TASKS:
        losses = task.draw(500_000, (OWN, OWN), np.random.default_rng(0))
        together = float(np.corrcoef(losses)[0, 1])
        for margin in (0.0, 0.01):
            cells = [
                verdict(
                    promoted(task, better_by(margin), rows, 1.0, repetitions),
                    repetitions,
                    most=0.05,
                )
                if task.decides(rows)
                else "-"
                for rows in FEW + SIZES
            ]
            yield (
                f"| {task.name}, {task.metric} {task.expected(OWN):.3f} | {margin:g} | {together:.2f} | "
                + " | ".join(cells)
                + " |"
            )


def truly_better(repetitions: int) -> Iterator[str]:
    """Tabulate the rows that tell an improvement of twice the margin, and whether they do."""
    yield (
        "| better by twice the margin | margin | the improvement is | sd of the paired difference | rows needed | "
        "promoted |"
    )
    yield "|---|---|---|---|---|---|"
    asked = stats.norm.isf((1 - GateSettings().confidence) / 2) + stats.norm.isf(1 - POWER)
    for task in TASKS:
        best = task.expected(OWN)
        for margin in task.margins:
            ratio = best / (best + 2 * margin)
            spread = task.spread(task.errors(ratio))
            rows = math.ceil((asked * spread / margin) ** 2)
            count = promoted(task, better_by(margin), rows, ratio, repetitions)
            yield (
                f"| {task.name}, {task.metric} {best + 2 * margin:.3f} to {best:.3f} | {margin:g} | "
                f"{1 - ratio:.1%} | {spread:.3f} | {rows:,} | {verdict(count, repetitions, least=PROMOTED)} |"
            )


def allowed(repetitions: int) -> Iterator[str]:
    """Tabulate what non-inferiority promotes."""
    yield (
        "| confirmed cause | the candidate is | "
        + " | ".join(f"{rows:,} rows" for rows in SIZES)
        + " |"
    )
    yield "|---" * (2 + len(SIZES)) + "|"
    allowance = GateSettings().allowance
    cases = {
        "better by 5%": 0.95,
        "equal": 1.0,
        "worse by 2.5%": 1.025,
        "worse by 5%": 1.05,
        "worse by 10%": 1.1,
    }
    for task in TASKS:
        for said, ratio in cases.items():
            most = 0.05 if ratio >= 1 + allowance else 1.0
            cells = [
                verdict(promoted(task, not_worse, rows, ratio, repetitions), repetitions, most=most)
                for rows in SIZES
            ]
            yield f"| {task.name}, {task.metric} | {said} | " + " | ".join(cells) + " |"


PARTS = {"superiority": equally_good, "power": truly_better, "non-inferiority": allowed}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How often a promotion is right.")
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--part", choices=PARTS, action="append")
    options = parser.parse_args()
    kept = True
    for part in options.part or PARTS:
        for line in PARTS[part](options.repetitions):
            kept &= "NOT KEPT" not in line
            print(line, flush=True)
        print()
    sys.exit(not kept)

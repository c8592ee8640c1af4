"""When a challenger is promoted, watched or withdrawn, and how often that is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prefect_mlops.canary.decision import CanaryRun, judge
from prefect_mlops.canary.evidence import Evidence
from prefect_mlops.core.results import CanaryVerdict
from prefect_mlops.core.settings import CanarySettings
from prefect_mlops.metrics.bootstrap import Groups, grouped_difference

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
RUN = CanaryRun(project="calls", model="calls", champion="1", challenger="2", metric="mae")
UNTIMED = CanarySettings(latency_ratio=None)


def groups(losses) -> Groups:
    return Groups(np.asarray(losses, dtype=float), np.ones(len(losses)))


def evidence(better: float = 0.0, labels: int = 400, days: float = 1.0, **changes) -> Evidence:
    """Shadowed rows on which the challenger is better by `better` on average."""
    rng = np.random.default_rng(labels)
    hard, noise = rng.exponential(1, labels) + 2, rng.normal(0, 0.3, labels)
    return replace(
        Evidence(
            traffic="shadow",
            champion=groups(hard),
            challenger=groups(hard - better + noise - noise.mean()) if labels else groups([]),
            champion_rows=2_000,
            challenger_rows=2_000,
            champion_unusable=0,
            challenger_unusable=0,
            champion_latency=np.linspace(0.01, 0.02, 1_000),
            challenger_latency=np.linspace(0.01, 0.02, 1_000),
            start=START,
            end=START + timedelta(days=days),
        ),
        **changes,
    )


def verdict_on(found: Evidence | None, settings=UNTIMED, looks=()) -> CanaryVerdict:
    return judge(settings, RUN, found, looks=looks, resamples=400, seed=0, now=NOW)


def gates(verdict: CanaryVerdict) -> dict[str, str]:
    return {gate.name: gate.verdict for gate in verdict.gates}


@pytest.mark.parametrize("traffic", ["shadow", "canary"])
@pytest.mark.parametrize(
    ("better", "expected"), [(0.5, "promote"), (0.0, "keep_watching"), (-0.5, "withdraw")]
)
def test_a_challenger_is_judged_by_what_is_sure(traffic, better, expected):
    verdict = verdict_on(evidence(better, traffic=traffic))
    assert verdict.verdict == expected
    assert (verdict.look, verdict.number) == (1, 1)
    assert verdict.error == pytest.approx(0.025)
    assert verdict.improvement == pytest.approx(better)
    assert verdict.interval is not None
    assert verdict.interval[0] < better < verdict.interval[1]
    assert verdict.champion_score is not None
    assert verdict.challenger_score == pytest.approx(verdict.champion_score - better)


def test_a_negative_margin_promotes_what_is_not_worse_than_tolerated():
    tolerant = UNTIMED.model_copy(update={"margin": -0.1})
    assert verdict_on(evidence(-0.02), tolerant).verdict == "promote"
    assert verdict_on(evidence(-0.3), tolerant).verdict == "withdraw"
    demanding = UNTIMED.model_copy(update={"margin": 0.3})
    assert verdict_on(evidence(0.1), demanding).verdict == "withdraw"
    assert verdict_on(evidence(0.5), demanding).verdict == "promote"


def test_without_predictions_of_both_it_is_watched_and_nothing_is_recorded():
    verdict = verdict_on(None)
    assert (verdict.verdict, verdict.number, verdict.labelled) == ("keep_watching", None, 0)
    assert "shadow the champion with it" in verdict.reason


def test_without_enough_labels_it_is_watched_and_says_how_many_are_missing():
    verdict = verdict_on(evidence(0.5, labels=150))
    assert (verdict.verdict, verdict.number, verdict.look) == ("keep_watching", None, None)
    assert "150 labelled requests" in verdict.reason
    assert "50 are missing" in verdict.reason
    # What it scores so far is not shown: it would be a look.
    assert verdict.champion_score is verdict.challenger_score is verdict.interval is None


def test_the_next_look_waits_until_enough_labels_are_new():
    first = verdict_on(evidence(0.0, labels=400))
    assert first.needed == 480
    early = verdict_on(evidence(0.5, labels=479), looks=[first])
    assert (early.verdict, early.look, early.number) == ("keep_watching", None, None)
    assert "1 are missing" in early.reason
    second = verdict_on(evidence(0.5, labels=480), looks=[first])
    assert (second.verdict, second.look, second.number) == ("promote", 2, 2)
    assert second.error == pytest.approx(0.05 / 6)


def test_an_undecided_challenger_is_withdrawn_when_its_time_is_up():
    for labels in (0, 50, 400):
        verdict = verdict_on(evidence(0.0, labels=labels, days=14))
        assert verdict.verdict == "withdraw"
        assert verdict.reason.startswith("undecided after 14 days: ")
        assert verdict.number == 1
    assert verdict_on(evidence(0.0, days=13.9)).verdict == "keep_watching"
    unbounded = UNTIMED.model_copy(update={"maximum_days": None})
    assert verdict_on(evidence(0.0, days=400), unbounded).verdict == "keep_watching"


def test_when_time_is_up_whatever_labels_came_get_a_last_look():
    first = verdict_on(evidence(0.0, labels=400))
    late = verdict_on(evidence(0.5, labels=420, days=14), looks=[first])
    assert (late.verdict, late.look) == ("promote", 2)
    # Nothing new, no look: two on the same labels would be one chance more.
    again = verdict_on(evidence(0.5, labels=400, days=14), looks=[first])
    assert (again.verdict, again.look) == ("withdraw", None)


def test_a_slow_challenger_is_withdrawn_before_any_label_is_known():
    slow = evidence(labels=0, challenger_latency=np.linspace(0.03, 0.06, 1_000))
    verdict = verdict_on(slow, CanarySettings())
    assert (verdict.verdict, verdict.latency_look, verdict.look) == ("withdraw", 1, None)
    assert "not by chance" in verdict.reason
    assert verdict_on(slow, UNTIMED).verdict == "keep_watching"
    assert "latency" not in gates(verdict_on(slow, UNTIMED))


def test_a_challenger_that_may_be_too_slow_is_not_promoted():
    maybe = evidence(0.5, challenger_latency=np.linspace(0.02, 0.0405, 1_000))
    verdict = verdict_on(maybe, CanarySettings())
    assert verdict.verdict == "keep_watching"
    assert gates(verdict) == {"performance": "passed", "answers": "passed", "latency": "failed"}


def test_latencies_that_nobody_logged_hold_a_promotion_back():
    silent = evidence(0.5, challenger_latency=np.empty(0))
    verdict = verdict_on(silent, CanarySettings())
    assert (verdict.verdict, gates(verdict)["latency"]) == ("keep_watching", "not_run")
    assert "0 requests with latencies" in verdict.reason


def test_looks_at_latencies_are_spent_on_new_predictions_and_not_on_labels():
    first = verdict_on(evidence(labels=0), CanarySettings())
    assert (first.look, first.latency_look, first.number) == (None, 1, 1)
    slow = np.linspace(0.03, 0.06, 1_000)
    same = verdict_on(evidence(labels=0, challenger_latency=slow), CanarySettings(), [first])
    assert (same.verdict, same.latency_look, same.number) == ("keep_watching", None, None)
    more = {"champion_rows": 2_400, "challenger_rows": 2_400, "challenger_latency": slow}
    second = verdict_on(evidence(labels=0, **more), CanarySettings(), [first])
    assert (second.verdict, second.latency_look, second.look) == ("withdraw", 2, None)
    labelled = verdict_on(evidence(0.5), CanarySettings(), [first])
    assert (labelled.verdict, labelled.look, labelled.number) == ("promote", 1, 2)


def test_answers_that_are_none_hold_a_promotion_back():
    broken = evidence(0.5, challenger_unusable=1)
    verdict = verdict_on(broken)
    assert (verdict.verdict, gates(verdict)["answers"]) == ("keep_watching", "failed")
    assert verdict_on(replace(broken, champion_unusable=1)).verdict == "promote"


def test_another_pair_or_another_demand_is_another_canary_run():
    keys = [
        RUN.key(UNTIMED),
        RUN._replace(champion="3").key(UNTIMED),
        RUN._replace(challenger="3").key(UNTIMED),
        RUN._replace(metric="rmse").key(UNTIMED),
        RUN.key(CanarySettings(margin=0.1)),
        RUN.key(CanarySettings(confidence=0.9)),
    ]
    assert len(set(keys)) == len(keys)
    assert RUN.key(UNTIMED) == RUN.key(CanarySettings(act=True, maximum_days=1))


def test_the_verdict_travels_as_json():
    verdict = verdict_on(evidence(0.5))
    assert CanaryVerdict.model_validate_json(verdict.model_dump_json()) == verdict


def seen(before, after, labels: int) -> Evidence:
    return evidence(labels=0, champion=groups(before[:labels]), challenger=groups(after[:labels]))


def looked_at(before, after, labels: list[int]) -> tuple[str, int]:
    """Look again and again, as a schedule would; return how it ended, and at how many labels."""
    settings = CanarySettings(latency_ratio=None, minimum_labels=labels[0], look_growth=0.0)
    looks: list[CanaryVerdict] = []
    for count in labels:
        found = seen(before, after, count)
        looks.append(
            judge(settings, RUN, found, looks=looks, resamples=200, seed=len(looks), now=NOW)
        )
        assert looks[-1].look == len(looks)
        if looks[-1].final:
            break
    return looks[-1].verdict, looks[-1].labelled


THIRTY = [round(30 * 1.125**look) for look in range(30)]


def test_thirty_looks_promote_a_challenger_that_is_no_better_as_seldom_as_one_may():
    rng, trials = np.random.default_rng(0), 60
    careful = careless = 0
    for _ in range(trials):
        before, after = rng.exponential(1, (2, THIRTY[-1]))
        careful += looked_at(before, after, THIRTY)[0] == "promote"
        careless += any(
            grouped_difference(
                "mae",
                groups(before[:count]),
                groups(after[:count]),
                paired=True,
                tail=0.05,
                resamples=200,
                seed=count,
            ).low
            > 0
            for count in THIRTY
        )
    assert careful <= 0.05 * trials
    # The same looks with the whole chance of error each.
    assert careless >= 2 * 0.05 * trials


def test_a_real_improvement_is_found():
    rng, trials = np.random.default_rng(1), 20
    ends = []
    for _ in range(trials):
        hard = rng.exponential(1, THIRTY[-1])
        after = hard - 0.3 + rng.normal(0, 1, len(hard))
        ends.append(looked_at(hard, after, THIRTY))
    promoted = [labels for verdict, labels in ends if verdict == "promote"]
    assert len(promoted) >= 0.9 * trials
    assert np.median(promoted) <= 300


def rare_errors(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    drawn = rng.random(rows)
    return (drawn < 0.01).astype(float), ((drawn >= 0.01) & (drawn < 0.02)).astype(float)


def shared_difficulty(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    hard = rng.exponential(1, rows)
    return hard * rng.lognormal(0, 0.5, rows), hard * rng.lognormal(0, 0.5, rows)


def heavy_tails(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    noise = rng.standard_t(5, rows)
    return (noise + rng.normal(0, 0.5, rows)) ** 2, (noise + rng.normal(0, 0.5, rows)) ** 2


@pytest.mark.slow
@pytest.mark.parametrize("losses", [rare_errors, shared_difficulty, heavy_tails])
def test_whatever_the_losses_are_like_thirty_looks_are_seldom_wrong(losses):
    rng, trials, labels = np.random.default_rng(0), 100, list(range(200, 3_200, 100))
    ends = [looked_at(*losses(rng, labels[-1]), labels)[0] for _ in range(trials)]
    assert ends.count("promote") <= 0.05 * trials
    assert ends.count("withdraw") <= 0.05 * trials

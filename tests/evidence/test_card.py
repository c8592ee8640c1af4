"""A model card: what was recorded, what people say, and nothing invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect_mlops.core.results import (
    Approval,
    Cause,
    Comparison,
    Explanation,
    Gate,
    MetricInterval,
    ModelScores,
    ModelVersion,
    RowScores,
    SliceScore,
    Window,
)
from prefect_mlops.core.settings import CardSettings, Columns
from prefect_mlops.evidence.card import card_markdown
from prefect_mlops.evidence.card_facts import CardFacts, DataPart, is_fairness
from prefect_mlops.metrics.promise import Promise

MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BARE = CardFacts(
    version=ModelVersion(name="calls", version="3", run_id="run-3", uri="models:/calls/3"),
    created=MOMENT,
    said=CardSettings(),
    columns=Columns(target="y"),
    task_type="binary",
    metric="log_loss",
)


def interval(name: str, value: float) -> MetricInterval:
    return MetricInterval(name=name, value=value, low=value - 0.01, high=value + 0.01)


SCORES = ModelScores(
    confidence=0.9,
    scores=[
        RowScores(of="training", rows=900, metrics=[interval("log_loss", 0.3)]),
        RowScores(of="holdout", rows=100, metrics=[interval("log_loss", 0.4), interval("f1", 0.7)]),
    ],
    slices=[RowScores(of="job = admin", rows=60, metrics=[interval("log_loss", 0.5)])],
    explanation=Explanation(method="TreeExplainer", rows=50, shares={"age": 1.0}, reason="share"),
)
APPROVAL = Approval(
    decision="approved",
    reason="the board agrees",
    by="C. Costa",
    through="mlflow",
    decided_at=MOMENT,
).model_dump(mode="json")
FULL: dict[str, Any] = {
    "said": CardSettings(purpose="Order calls", owner="Retail", limits="Only <Portugal>"),
    "columns": Columns(target="y", slices=["job"]),
    "outcome": "promoted",
    "estimator": "linear",
    "parameters": {"C": "0.5"},
    "feature_types": {"age": "number", "job": "category"},
    "importance": {"age": 0.75, "job": 0.25},
    "target_shares": {"no": 0.9, "yes": 0.1},
    "promise": Promise("log_loss", 0.41, 400, 0.01, 0.02, (0.4, 0.42)),
    "scores": SCORES,
    "data": [DataPart("training", "a" * 64, 900, "calls.parquet", "2026-01-01", "2026-05-01")],
    "gates": [
        Gate(name="superiority", verdict="passed", reason="better"),
        Gate(name="fairness: sex", verdict="failed", reason="apart", blocking=False),
    ],
    "comparison": Comparison(
        gates=[],
        metric="log_loss",
        champion_version="2",
        candidate_score=0.4,
        champion_score=0.5,
        improvement=0.1,
        interval=(0.05, 0.15),
        confidence=0.9,
        rows=100,
        slices=[SliceScore(column="job", value="admin", rows=60, candidate=0.5, champion=0.6)],
    ),
    "cause": Cause(
        id="cause-1",
        project="calls",
        champion_version="2",
        window=Window(last=10),
        rows=10,
        reason="the predictions drifted",
        signals=["drift"],
        drifted_columns=["age"],
        metric="log_loss",
        decided_at=MOMENT,
    ),
    "environment": {"prefect-mlops": "0.1.0", "git commit": "abc"},
    "executor": {"user": "mlops", "host": "worker-1"},
    "trials": {"complete": 4, "pruned": 1},
    "moves": [
        {"version": "3", "previous": "2", "reason": "better", "at": "2026-06-01T12:00:00"},
        {
            "version": "2",
            "previous": "3",
            "reason": "rolled back: complaints",
            "at": "2026-06-02T08:30:00",
            "approval": APPROVAL,
        },
    ],
    "approvals": {"approval": "approved: the board agrees by C. Costa"},
    "picture": "explanation.png",
}
ALL = CardFacts(**{**vars(BARE), **FULL})


def section(text: str, name: str) -> str:
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def test_a_card_of_nothing_says_so_everywhere():
    text = card_markdown(BARE)
    for name in ("purpose", "users", "not_for", "limits", "considerations", "owner", "contact"):
        assert f"`card.{name}`" in text
    assert section(text, "Limits").strip() == "*not stated*"
    assert section(text, "Ethical considerations").strip() == "*not stated*"
    for name in ("Data", "Quantitative analyses", "Explanation", "Gates", "Software"):
        assert "*not recorded*" in section(text, name)
    assert "No gate compared groups of people." in section(text, "Fairness")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Model details", "| owner | Retail |"),
        ("Model details", "| `C` | `0.5` |"),
        ("Model details", "Found among 5 trials: 4 complete, 1 pruned."),
        ("Intended use", "| purpose | Order calls |"),
        ("Intended use", "| users | *not stated* |"),
        ("Factors", "`job`"),
        ("Factors", "| `yes` | 10.0% |"),
        ("Metrics", "| spread from period to period | 0.02 |"),
        ("Data", "| 900 | 2026-01-01 to 2026-05-01 | calls.parquet | `aaaaaaaaaaaa` |"),
        ("Data", "| `age` | number | 75.0% | ████████████ |"),
        (
            "Quantitative analyses",
            "| `log_loss` | lower | 0.3 | 0.29 to 0.31 | 0.4 | 0.39 to 0.41 |",
        ),
        ("Quantitative analyses", "| `f1` | higher |  |  | 0.7 | 0.69 to 0.71 |"),
        ("Quantitative analyses", "| job = admin | 60 | 0.5 | 0.49 to 0.51 |"),
        ("Quantitative analyses", "| champion, version 2 | 0.5 |"),
        ("Quantitative analyses", "| 90% interval | 0.05 to 0.15 |"),
        ("Fairness", "| fairness: sex | ✗ failed |"),
        ("Explanation", "TreeExplainer on 50 holdout rows"),
        ("Explanation", "(explanation.png)"),
        ("Limits", "Only \\<Portugal\\>"),
        ("How it came about", "the predictions drifted"),
        ("How it came about", "| host | `worker-1` |"),
        ("How it came about", "| 2026-06-01 12:00 | version 2 to 3 | nobody was asked | better |"),
        (
            "How it came about",
            "| version 3 to 2 | approved by C. Costa (mlflow): the board agrees | rolled back: complaints |",
        ),
        ("Software", "| git commit | `abc` |"),
    ],
)
def test_a_card_has_what_was_recorded(name, said):
    assert said in section(card_markdown(ALL), name)


def test_a_card_says_what_rows_count_and_what_was_drawn():
    assert "a bootstrap over rows, at 90%.\n" in card_markdown(ALL)
    scores = SCORES.model_copy(update={"weight": "counts", "group": "customer"})
    said = section(
        card_markdown(CardFacts(**{**vars(ALL), "scores": scores})), "Quantitative analyses"
    )
    assert "over groups of rows with the same `customer`, at 90%" in said
    assert "Rows count what `counts` says." in said


def test_gates_that_decide_stand_apart_from_advice():
    found = section(card_markdown(ALL), "Gates")
    deciding, _, advice = found.partition("### Advice")
    assert "superiority" in deciding
    assert "1 of 1 passed." in deciding
    assert "fairness" in advice
    assert "0 of 1 passed." in advice


def test_an_adopted_model_says_where_it_is_from():
    text = card_markdown(CardFacts(**{**vars(BARE), "adopted": True}))
    assert "trained elsewhere and adopted" in text
    assert "none: it was adopted" in section(text, "Gates")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fairness: sex", True),
        ("demographic parity of age", True),
        ("latency", False),
        ("slice sex=f", False),
    ],
)
def test_gates_about_groups_of_people_are_known_by_name(name, expected):
    assert is_fairness(Gate(name=name, verdict="passed", reason="so")) is expected

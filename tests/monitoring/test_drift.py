"""Windows are scored column by column; nothing in a window loses the report."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.data.schema import conform
from prefect_mlops.metrics.losses import row_losses
from prefect_mlops.monitoring.drift import score_window
from prefect_mlops.monitoring.drift_verdict import judge
from prefect_mlops.monitoring.reference import build_reference
from support.references import number_reference

LIMITS = DriftThresholds()
FEATURE_TYPES = {
    "strong": "number",
    **{f"weak{i}": "number" for i in range(7)},
    "colour": "category",
    "on": "boolean",
    "same": "number",
}


def rows_of(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"strong": rng.normal(2.0, 1.0, rows)})
    for i in range(7):
        frame[f"weak{i}"] = rng.lognormal(size=rows)
    frame["colour"] = rng.choice(list("abcdefgh"), rows)
    frame["on"] = rng.random(rows) < 0.2
    frame["same"] = 7.0
    return frame


def chance_of_yes(frame: pd.DataFrame) -> np.ndarray:
    strong = pd.to_numeric(frame["strong"], errors="coerce").fillna(0.0).to_numpy()
    return 1 / (1 + np.exp(2.0 - strong))


def window_of(frame: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    yes = chance_of_yes(frame)
    labels = np.where(np.random.default_rng(seed).random(len(frame)) < yes, "yes", "no")
    return frame.add_prefix("features.").assign(
        **{"score.no": 1 - yes, "score.yes": yes, "prediction": "yes", "label": labels}
    )


@pytest.fixture(scope="module")
def reference():
    raw = rows_of(5_000, seed=99)
    frame, _ = conform(raw, FEATURE_TYPES)
    yes = chance_of_yes(raw)
    predicted = np.column_stack([1 - yes, yes])
    truth = pd.Series(np.where(np.random.default_rng(1).random(5_000) < yes, "yes", "no"))
    return build_reference(
        frame,
        predicted,
        truth,
        task_type="binary",
        classes=["no", "yes"],
        feature_types=FEATURE_TYPES,
        importance={"strong": 0.92, "colour": 0.05, "weak0": 0.03},
        losses=row_losses("log_loss", truth, predicted, ["no", "yes"]),
        metric="log_loss",
    )


def report_on(reference, window, limits=LIMITS):
    return judge(score_window(reference, window, limits), len(window), limits)


def signals(report, column):
    return {signal.kind: signal for signal in report.columns if signal.column == column}


@pytest.mark.parametrize("rows", [200, 500, 2_000])
def test_windows_without_drift_almost_never_alarm(reference, rows):
    reports = [report_on(reference, window_of(rows_of(rows, seed))) for seed in range(50)]
    assert sum(report.verdict == "failed" for report in reports) <= 1
    assert sum(bool(report.drifted_columns) for report in reports) <= 3


@pytest.mark.parametrize("change", ["nulls", "zeros", "shift"])
def test_a_dominant_feature_changed_in_a_third_of_the_rows_always_alarms(reference, change):
    for seed in range(12):
        frame = rows_of(1_000, seed)
        hit = np.arange(1_000) % 10 < 3
        values = {"nulls": np.nan, "zeros": 0.0, "shift": frame.loc[hit, "strong"] + 2.0}
        frame.loc[hit, "strong"] = values[change]
        report = report_on(reference, window_of(frame))
        assert report.verdict == "failed"
        assert report.drifted_columns[0] == "strong"
        assert report.drifted_importance == pytest.approx(0.92)


def test_a_feature_without_importance_is_reported_but_does_not_alarm(reference):
    frame = rows_of(1_000, 4)
    frame["weak3"] = frame["weak3"] + 5.0
    report = report_on(reference, window_of(frame))
    assert report.verdict == "passed"
    assert report.drifted_columns == ["weak3"]


def test_importance_adds_up_to_the_limit(reference):
    frame = rows_of(1_000, 4)
    frame["weak0"] += 5.0
    frame["colour"] = "a"
    assert report_on(reference, window_of(frame)).verdict == "passed"
    limits = DriftThresholds(importance=0.08)
    assert report_on(reference, window_of(frame), limits).verdict == "failed"


def test_predictions_that_drift_alarm_by_themselves(reference):
    window = window_of(rows_of(1_000, 4))
    window["score.yes"] = 0.9
    report = report_on(reference, window)
    assert report.prediction_drifted
    assert report.verdict == "failed"
    assert report.drifted_importance == 0.0


def test_labels_that_drift_are_reported_only(reference):
    window = window_of(rows_of(1_000, 4))
    window["label"] = "yes"
    report = report_on(reference, window)
    assert report.target_drifted
    assert report.verdict == "passed"
    window["label"] = None
    assert report_on(reference, window).target_drifted is None


def test_a_single_outlier_neither_alarms_nor_hides_a_shift(reference):
    frame = rows_of(1_000, 4)
    frame.loc[0, "strong"] = 1e6
    assert report_on(reference, window_of(frame)).verdict == "passed"
    frame["strong"] += 1.0
    assert "strong" in report_on(reference, window_of(frame)).drifted_columns


def test_one_row_of_a_new_category_is_no_drift_and_many_are(reference):
    frame = rows_of(1_000, 4)
    frame.loc[0, "colour"] = "new"
    assert not signals(report_on(reference, window_of(frame)), "colour")["new_categories"].drifted
    frame.loc[:40, "colour"] = "new"
    news = signals(report_on(reference, window_of(frame)), "colour")["new_categories"]
    assert news.drifted
    assert news.score == pytest.approx(0.041)


def test_identifiers_as_categories_do_not_look_new_forever():
    ids = pd.Series([f"customer {i}" for i in range(3_000)])
    frame = pd.DataFrame({"who": ids[:2_000]})
    kept = build_reference(
        frame,
        np.linspace(0, 1, 2_000),
        pd.Series(np.zeros(2_000)),
        task_type="regression",
        classes=None,
        feature_types={"who": "category"},
        importance={"who": 1.0},
        losses=np.ones(2_000),
        metric="rmse",
    )
    window = pd.DataFrame({"features.who": ids[2_000:], "prediction": np.linspace(0, 1, 1_000)})
    assert not signals(report_on(kept, window), "who")["new_categories"].drifted


def test_columns_without_spread_in_the_reference_are_set_aside(reference):
    frame = rows_of(1_000, 4)
    frame["same"] = 7.001
    (signal,) = signals(report_on(reference, window_of(frame)), "same").values()
    assert (signal.score, signal.drifted) == (None, False)
    assert "set aside" in signal.reason


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda w: w.drop(columns="features.strong"), "missing"),
        (lambda w: w.assign(**{"features.strong": np.nan}), "no value"),
        (lambda w: w.assign(**{"features.strong": None}), "no value"),
        (lambda w: w.assign(**{"features.strong": "much"}), "no value"),
        (lambda w: w.assign(**{"features.strong": [[1, 2]] * len(w)}), "a number"),
        (lambda w: pd.concat([w, w[["features.strong"]]], axis=1), "2 times"),
    ],
    ids=["missing", "nan", "none", "text", "lists", "twice"],
)
def test_a_column_nobody_can_read_counts_as_drifted_and_the_others_are_measured(
    reference, damage, reason
):
    report = report_on(reference, damage(window_of(rows_of(500, 4))))
    found = signals(report, "strong")
    assert set(found) == {"unusable"}
    assert reason in found["unusable"].reason
    assert report.verdict == "failed"
    assert signals(report, "weak0")["distance"].score is not None
    assert signals(report, "score.yes")["distance"].score is not None


def test_odd_types_of_the_same_values_are_no_drift(reference):
    frame = rows_of(500, 4)
    window = window_of(frame)
    window["features.strong"] = frame["strong"].astype(str)
    window["features.on"] = frame["on"].map({True: "true", False: "false"})
    window["features.colour"] = frame["colour"].astype("category")
    window["features.weak0"] = frame["weak0"].convert_dtypes(dtype_backend="pyarrow")
    window.index = [f"65f0{i:020x}" for i in range(500)]
    assert report_on(reference, window).drifted_columns == []


def test_unreadable_values_and_infinities_count_as_missing(reference):
    frame = rows_of(500, 4)
    frame["strong"] = frame["strong"].astype(object)
    frame.loc[:29, "strong"] = "n/a"
    frame.loc[30:59, "strong"] = np.inf
    nulls = signals(report_on(reference, window_of(frame)), "strong")["nulls"]
    assert nulls.drifted
    assert nulls.score == pytest.approx(0.12)
    assert "60 values" in nulls.reason


def test_missing_scores_are_no_silent_pass(reference):
    window = window_of(rows_of(500, 4)).drop(columns=["score.no", "score.yes"])
    report = report_on(reference, window)
    assert set(signals(report, "score.yes")) == {"unusable"}
    assert report.verdict == "failed"


def test_too_few_rows_are_not_judged(reference):
    report = report_on(reference, window_of(rows_of(199, 4)))
    assert report.verdict == "not_run"
    assert "at least 200" in report.reason
    assert report.columns == []


def test_a_window_is_scored_within_half_a_second(reference):
    window = window_of(rows_of(2_000, 4))
    started = time.process_time()
    score_window(reference, window, LIMITS)
    assert time.process_time() - started < 0.5


def test_numeric_predictions_are_compared_as_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=2_000)})
    kept = number_reference(frame)
    values = rng.normal(size=400)
    window = pd.DataFrame({"features.a": values, "prediction": values, "label": values})
    assert report_on(kept, window).verdict == "passed"
    report = report_on(kept, window.assign(prediction=values + 1, label=values + 1))
    assert report.prediction_drifted
    assert report.target_drifted


def rising_frame(rows: int, start: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"date": (start + np.arange(rows)) / 1_000, "price": rng.normal(size=rows)})


def rising_reference(frame):
    feature_types = {"date": "number", "price": "number"}
    rows, _ = conform(frame, feature_types)
    return build_reference(
        rows,
        frame["price"].to_numpy(),
        frame["price"],
        task_type="regression",
        classes=None,
        feature_types=feature_types,
        importance={"date": 0.7, "price": 0.3},
        losses=np.ones(len(frame)),
        metric="rmse",
    )


def rising_window(frame):
    return frame.add_prefix("features.").assign(prediction=frame["price"])


@pytest.mark.parametrize("start", [2_000, 3_000, 50_000])
def test_a_feature_that_only_rises_never_counts_as_drift(start):
    kept = rising_reference(rising_frame(2_000, 0))
    report = report_on(kept, rising_window(rising_frame(1_000, start, seed=1)))
    assert (report.verdict, report.drifted_columns, report.drifted_importance) == ("passed", [], 0)
    found = signals(report, "date")
    assert set(found) == {"rising", "nulls"}
    assert found["rising"].score > 1
    assert "date only rises" in found["rising"].reason
    assert "date with 0.70 of the importance only rises" in report.reason


def test_a_feature_that_only_rises_is_still_looked_at():
    kept = rising_reference(rising_frame(2_000, 0))
    frame = rising_frame(1_000, 2_000, seed=1)
    for damaged, kind in (
        (frame.assign(date=frame["date"].where(frame.index % 3 > 0)), "nulls"),
        (frame.assign(date=np.nan), "unusable"),
        (frame.assign(date=0.1), "distance"),
        (frame.assign(date=frame["date"] - 5), "distance"),
    ):
        report = report_on(kept, rising_window(damaged))
        assert signals(report, "date")[kind].drifted
        assert report.verdict == "failed"


def test_a_table_that_was_sorted_does_not_hide_drift():
    frame = rising_frame(2_000, 0).sort_values("price", ignore_index=True)
    kept = rising_reference(frame)
    window = rising_frame(1_000, 2_000, seed=1)
    assert report_on(kept, rising_window(window)).drifted_columns != ["price"]
    report = report_on(kept, rising_window(window.assign(price=window["price"] + 1)))
    assert "price" in report.drifted_columns

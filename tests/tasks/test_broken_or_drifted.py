"""Broken data is refused, whatever the cause says; drifted data is trained on.

The cases are the table in `docs/training.md`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.snapshots import save_snapshot
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks.data_validation import validate_data
from prefect_mlops.validation.broken_data import judge_rows
from prefect_mlops.validation.expectations import number_bounds
from prefect_mlops.validation.log_agreement import AS_LOGGED
from support.loans import JOBS, KNOWN, NEW, loans

DOCS = Path(__file__).parents[2] / "docs/training.md"
COLUMNS = {"target": "y", "timestamp": "asked_at", "id": "loan_id"}
Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def because(*columns: str) -> Cause:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Cause(
        id="c",
        project="loans",
        champion_version="1",
        window=Window(last=1_000),
        rows=1_000,
        reason="drift",
        signals=["drift"],
        drifted_columns=list(columns),
        metric="log_loss",
        decided_at=now,
    )


@pytest.fixture
def hold(make_project):
    """A function that holds rows against the first 4,000 loans: `hold(rows)`."""

    def run(rows, cause=None, *, known=None, columns=None, logged=None, **settings):
        dataset = Dataset(source={"type": "csv", "path": "unread.csv"}, columns=columns or COLUMNS)
        project = make_project(dataset=dataset, **settings)
        if logged is not None:
            with project.predictions.get_client() as store:
                store.append(predictions(logged, project.registry.model_name))

        def kept(frame):
            table = pa.Table.from_pandas(frame, preserve_index=False)
            return save_snapshot(project.open_workspace(), table, "test")

        before = loans()[:KNOWN] if known is None else known
        return validate_data.fn(kept(rows), kept(before), cause, **project.arguments(validate_data))

    return run


def predictions(frame: pd.DataFrame, model: str) -> list[Prediction]:
    features = frame.drop(columns=["loan_id", "asked_at", "y"])
    records = features.astype(object).where(features.notna(), None).to_dict("records")
    return [
        Prediction(id=id, model=model, version="1", at=at, features=row, prediction="no")
        for id, at, row in zip(frame["loan_id"], frame["asked_at"], records, strict=True)
    ]


def grown(change: Change, seed: int = 0) -> pd.DataFrame:
    """The known rows and 1,000 newer ones, of which something became."""
    frame = loans()
    newer = change(frame[KNOWN:].copy(), np.random.default_rng(seed))
    rows = pd.concat([frame[:KNOWN], newer], ignore_index=True)
    # One text among numbers makes a whole column of a file text.
    texts = [n for n in rows if rows[n].dtype == object and pd.api.types.is_number(rows[n][0])]
    return rows.astype(dict.fromkeys(texts, str))


def put(column: str, values, share: float = 1.0, latest: int | None = None) -> Change:
    """Set a column of the new rows: of a random share of them, or of the latest ones."""

    def change(newer, rng):
        hit = rng.random(len(newer)) < share
        if latest is not None:
            hit = np.arange(len(newer)) >= len(newer) - latest
        found = values(newer[column]) if callable(values) else pd.Series(values, newer.index)
        mixed = newer[column].dtype == object or found.dtype == object
        kept = newer[column].astype(object) if mixed else newer[column].astype(float)
        return newer.assign(**{column: kept.where(~hit, found)})

    return change


def swapped(one: str, two: str, latest: int = NEW) -> Change:
    def change(newer, _rng):
        hit = np.arange(len(newer)) >= len(newer) - latest
        a, b = newer[one], newer[two]
        return newer.assign(**{one: a.where(~hit, b), two: b.where(~hit, a)})

    return change


def delivered_twice(newer, _rng):
    again = newer.tail(400).assign(
        loan_id=lambda f: f["loan_id"] + " again",
        asked_at=lambda f: f["asked_at"] + pd.Timedelta(hours=400),
    )
    return pd.concat([newer, again])


def as_text(comma: bool) -> Change:
    write = (lambda v: f"{v:.2f}".replace(".", ",")) if comma else (lambda v: f"{v:.2f}")
    return put("height", lambda s: s.map(write), latest=500)


CODES = {name: str(at) for at, name in enumerate(JOBS)}
UNITS = 1_000.0
BROKEN = {
    "times 1,000, all new rows": ("height", put("height", lambda s: s * UNITS)),
    "times 1,000, of numbers around 0": ("balance", put("balance", lambda s: s * UNITS)),
    "times 1,000, 2% of the rows": ("income", put("income", lambda s: s * UNITS, 0.02)),
    "divided by 100, the latest 300 rows": ("age", put("age", lambda s: s / 100, latest=300)),
    "divided by 100, 5% of the rows": ("height", put("height", lambda s: s / 100, 0.05)),
    "centimetres in inches": ("height", put("height", lambda s: s / 2.54)),
    "the sign flipped": ("age", put("age", lambda s: -s, latest=400)),
    "the sign flipped, of numbers around 0": ("balance", put("balance", lambda s: -s)),
    "-999 in 2% of the rows": ("height", put("height", -999.0, 0.02)),
    "9999 in 1% of the rows": ("age", put("age", 9999.0, 0.01)),
    "-1 for none": ("age", put("age", -1.0, 0.05)),
    "9999 within the known range": ("income", put("income", 9999.0, 0.03)),
    "infinity": ("rate", put("rate", np.inf, 0.01)),
    "numbers as text": ("height", as_text(comma=False)),
    "decimal commas": ("height", as_text(comma=True)),
    "emptied, the latest 300 rows": ("age", put("age", np.nan, latest=300)),
    "emptied, all new rows": ("job", put("job", None)),
    "stuck, the latest 200 rows": ("height", put("height", 171.3, latest=200)),
    "stuck, all new rows": ("income", put("income", 20_000.0)),
    "exchanged, the latest 300 rows": ("age", swapped("age", "height", 300)),
    "exchanged, alike": ("balance", swapped("balance", "rate")),
    "categories as codes": ("job", put("job", lambda s: s.map(CODES), latest=400)),
    "categories in capitals": ("job", put("job", lambda s: s.str.upper(), 0.5)),
    "other categories": ("region", put("region", lambda s: "Bezirk " + s)),
    "rows delivered twice": ("rows", delivered_twice),
    "a date in milliseconds": ("day", put("day", lambda s: s * UNITS * 1_000)),
    "a date that starts again": ("day", put("day", lambda s: s - 60.0)),
    "a column exchanged for one that is gone": ("height", lambda f, _: f.drop(columns="height")),
}
BYSTANDERS = {"exchanged, alike": ["rate"], "exchanged, the latest 300 rows": ["height"]}


def slow(column: str, by: float) -> Change:
    return put(column, lambda s: s + by * np.linspace(0, 1, len(s)))


def others(newer, rng):
    hit = rng.random(len(newer)) < 0.4
    return newer.assign(job=newer["job"].where(~hit, "influencer"))


def turned(newer, rng):
    return newer.assign(job=rng.choice(JOBS, len(newer), p=[0.05, 0.05, 0.1, 0.3, 0.3, 0.2]))


def mostly_yes(newer, rng):
    return newer.assign(y=np.where(rng.random(len(newer)) < 0.95, "yes", "no"))


def heavy(newer, rng):
    return newer.assign(balance=rng.standard_t(2, len(newer)))


def crisis(newer, rng):
    return newer.assign(rate=0.7 + rng.normal(0, 0.05, len(newer)), children=rng.poisson(3.4, NEW))


DRIFTED: dict[str, tuple[str, Change]] = {
    "nothing": ("age", lambda newer, _: newer),
    "a slow rise": ("rate", slow("rate", 1.0)),
    "a slow rise far beyond the known range": ("balance", slow("balance", 40.0)),
    "tenfold in steps": ("income", put("income", lambda s: s * np.geomspace(1, 10, len(s)))),
    "a date that rises on": ("day", lambda newer, _: newer),
    "half a standard deviation": ("age", put("age", lambda s: s + 5)),
    "four standard deviations at once": ("balance", put("balance", lambda s: s + 4.5)),
    "an interest rate from 4.9 to 0.7": ("rate", crisis),
    "a price up by half": ("height", put("height", lambda s: s * 1.5)),
    "half as much spread again": ("height", put("height", lambda s: 172 + (s - 172) * 1.5)),
    "a season never seen": ("warmth", put("warmth", lambda s: s - 25)),
    "a heavier tail": ("balance", heavy),
    "new categories in 40% of the rows": ("job", others),
    "a category gone": ("job", put("job", lambda s: s.replace("admin.", "services"))),
    "a mix of categories turned around": ("job", turned),
    "nulls in 30% of the rows": ("age", put("age", np.nan, 0.3)),
    "mostly the other class": ("y", mostly_yes),
    "a target that means the opposite": (
        "y", lambda newer, _: newer.assign(y=newer["y"].map({"yes": "no", "no": "yes"})),
    ),
}  # fmt: skip


def said(validation) -> list[str]:
    return [gate.name for gate in validation.gates if gate.blocks]


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("caused", [False, True], ids=["no cause", "cause"])
def test_broken_data_is_refused_with_or_without_a_cause(hold, case, caused):
    column, change = BROKEN[case]
    validation = hold(grown(change), because(column, "age", "height") if caused else None)
    assert validation.verdict != "passed"
    named = {name.partition(":")[0] for name in said(validation)}
    assert column in named or "expected columns" in named
    # It names no column that is not broken.
    assert named <= {column, *BYSTANDERS.get(case, ()), "rows", "expected columns"}


@pytest.mark.parametrize("case", DRIFTED)
@pytest.mark.parametrize("caused", [False, True], ids=["no cause", "cause"])
def test_drifted_data_is_trained_on_with_or_without_a_cause(hold, case, caused):
    column, change = DRIFTED[case]
    validation = hold(grown(change), because(column) if caused else None)
    assert said(validation) == []
    assert validation.verdict == "passed"
    assert validation.quarantined is None


def leapt(newer, rng):
    """Far away at once, without any other sign: nobody can tell from the rows alone."""
    return newer.assign(height=10_350 + rng.normal(0, 9, len(newer)))


class TestAWorldThatLeapt:
    def test_is_refused_when_nothing_speaks_for_it(self, hold):
        validation = hold(grown(leapt))
        (refused,) = said(validation)
        assert refused.startswith("height: values between")

    def test_is_believed_when_it_is_the_cause(self, hold):
        validation = hold(grown(leapt), because("height"))
        assert said(validation) == []
        (advice,) = [g for g in validation.gates if g.name == "height: within the known range"]
        assert "the cause of this training" in advice.reason
        assert not advice.blocking

    def test_is_not_believed_for_another_cause(self, hold):
        assert said(hold(grown(leapt), because("age")))

    def test_is_believed_when_the_model_was_asked_the_same(self, hold):
        rows = grown(leapt)
        validation = hold(rows, logged=rows[KNOWN : KNOWN + 300])
        assert said(validation) == []
        assert any("prediction log shows the same" in gate.reason for gate in validation.gates)
        (agreed,) = [gate for gate in validation.gates if gate.name.endswith(AS_LOGGED)]
        assert (agreed.verdict, agreed.blocking) == ("passed", False)


class TestThePredictionLog:
    def test_refuses_rows_that_say_something_else(self, hold):
        rows = loans()
        asked = rows[KNOWN:].assign(age=rows["age"] + 3)
        validation = hold(rows, because("age"), logged=asked)
        assert said(validation) == ["age: as in the prediction log"]
        assert re.search(r"200 of 200 rows .* differ, such as", validation.gates[0].reason)

    def test_that_always_said_something_else_is_advice(self, hold):
        rows = loans()
        validation = hold(rows, logged=rows.assign(age=rows["age"] + 3))
        assert said(validation) == []
        assert "age: as in the prediction log" in [gate.name for gate in validation.gates]

    def test_excuses_no_broken_data(self, hold):
        column, change = BROKEN["-999 in 2% of the rows"]
        rows = grown(change)
        assert "height: no filler values" in said(hold(rows, because(column), logged=rows))


class TestWhatOnlyRises:
    def test_is_named_with_what_to_do_and_has_no_range(self, hold):
        validation = hold(loans())
        (advice,) = [gate for gate in validation.gates if gate.name == "day: not only rising"]
        assert not advice.blocking
        assert advice.reason.startswith("day only rises: every new row is outside the known range")
        assert "columns.ignored" in advice.reason
        suite = json.loads(Path(validation.suite_uri).read_text())
        (bounds,) = [
            e["kwargs"] for e in suite["expectations"]
            if e["kwargs"].get("column") == "day" and "max_value" in e["kwargs"]
        ]  # fmt: skip
        assert bounds["max_value"] == np.finfo(float).max

    def test_may_rise_by_many_times_its_range(self, hold):
        rows = loans(12_000)
        assert said(hold(rows, known=rows[:500])) == []

    def test_is_not_known_of_rows_without_order(self, hold):
        rows = loans().sort_values("income", ignore_index=True)
        columns = {"target": "y", "ignored": ["loan_id", "asked_at", "day"]}
        validation = hold(rows, known=rows, columns=columns)
        assert not [gate for gate in validation.gates if "only ris" in gate.reason]


def test_broken_rows_are_set_aside_within_the_budget(hold):
    rows = grown(BROKEN["-999 in 2% of the rows"][1])
    validation = hold(rows, data={"on_failure": "quarantine"})
    assert validation.verdict == "passed"
    assert validation.quarantined.rows == int((rows["height"] == -999).sum())
    copies = hold(
        grown(delivered_twice), data={"on_failure": "quarantine", "quarantine_budget": 0.1}
    )
    assert copies.quarantined.rows == 400
    assert copies.snapshot.rows == KNOWN + NEW


def test_a_suite_of_ones_own_is_obeyed_and_the_rest_is_advice(hold, tmp_path):
    suite = {
        "name": "mine",
        "expectations": [
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "age", "min_value": -1000, "max_value": 1000},
            }
        ],
    }
    (tmp_path / "mine.json").write_text(json.dumps(suite))
    rows = grown(BROKEN["-999 in 2% of the rows"][1])
    validation = hold(rows, data={"suite": str(tmp_path / "mine.json")})
    assert validation.verdict == "passed"
    assert "height: no filler values" in [gate.name for gate in validation.gates]


def test_labels_of_other_rows_are_noticed(hold):
    def shuffled(newer, rng):
        return newer.assign(y=rng.permutation(newer["y"]))

    validation = hold(grown(shuffled))
    assert said(validation) == []
    assert any("labels of other rows" in gate.reason for gate in validation.gates)


@pytest.mark.parametrize("seed", range(3))
def test_what_a_stream_brings_anew_each_time_is_trained_on(hold, seed):
    """Windows that slide: the new rows of one are the known ones of the next."""
    rows = loans(9_000, seed=seed + 1)
    for end in (5_000, 7_000, 9_000):
        validation = hold(
            rows[end - 4_000 : end].reset_index(drop=True),
            known=rows[max(end - 6_000, 0) : end - 2_000].reset_index(drop=True),
        )
        assert said(validation) == []


def data_of(name: str) -> pd.DataFrame:
    path = Path(__file__).parents[3] / "shared/data" / name
    path = path if path.exists() else Path(os.environ.get("MLOPS_TEST_DATA", "absent")) / name
    if not path.exists():
        pytest.skip(f"needs {name}")
    return pd.read_csv(path, sep=";")


BANK = "bank-marketing/bank-additional-full.csv"
REAL = {
    "bank": (BANK, {"target": "y", "ignored": ["duration"]}, "binary"),
    "red": ("wine-quality/winequality-red.csv", {"target": "quality"}, "multiclass"),
    "white": ("wine-quality/winequality-white.csv", {"target": "quality"}, "regression"),
}


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize(
    "rows",
    [
        200,
        pytest.param(1_000, marks=pytest.mark.slow),
        pytest.param(5_000, marks=pytest.mark.slow),
    ],
)
def test_no_drift_free_rows_of_real_tables_are_refused(name, rows):
    file, roles, task = REAL[name]
    frame = data_of(file)
    columns = Columns(**roles)
    rng = np.random.default_rng(rows)
    for _ in range(24):
        mixed = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        size = min(rows, len(frame) // 3)
        known = mixed[: min(len(frame) - size, 8_000)]
        window = mixed.tail(size).reset_index(drop=True)
        judged = judge_rows(known, window, columns=columns, task=task)
        assert [f.reason for f in judged.findings if f.blocking] == []
        for column in window.select_dtypes("number").columns.difference(columns.ignored):
            low, high = number_bounds(known[column])
            assert column in judged.moved or window[column].between(low, high).all()


def test_a_history_with_a_crisis_is_trained_on_as_it_grows(hold):
    bank = data_of(BANK)
    columns = {"target": "y", "ordered": True, "ignored": ["duration"]}
    for end in range(22_000, len(bank), 4_000):
        validation = hold(bank[:end], known=bank[:20_000], columns=columns)
        assert said(validation) == []


def test_white_wine_after_red_is_trained_on(hold):
    red, white = (data_of(REAL[name][0]) for name in ("red", "white"))
    both = pd.concat([red, white], ignore_index=True)
    columns = {"target": "quality"}
    for rows in (white, both):
        assert said(hold(rows, known=red, columns=columns, task_type="regression")) == []


def test_the_documentation_lists_every_case():
    if not DOCS.exists():
        pytest.skip("the documentation is not here")
    written = DOCS.read_text()
    # Nothing is drifted by definition.
    assert [case for case in (*BROKEN, *DRIFTED) if case not in written and case != "nothing"] == []

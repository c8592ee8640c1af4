"""Requests are answered by whom they should be, and every answer is logged as what it was."""

import threading
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected, ModelUnavailable
from prefect_mlops.serving.routing import routes_to_challenger
from prefect_mlops.serving.v2_codec import Tensor
from support.versions import INPUTS, broken, fitted


def test_an_answer_is_what_the_model_predicts_and_what_is_logged(serve, logged):
    champion = fitted("7")
    service = serve(champion)
    answer = service.answer("r", INPUTS)
    expected = champion.predictor.predict(pd.DataFrame({"age": [25.0, None]}))
    assert answer.ids == ["r-0", "r-1"]
    assert (answer.version, answer.role, answer.logged) == ("7", "champion", True)
    assert answer.labels == champion.predictor.labels(expected).tolist()
    assert np.array_equal(np.column_stack(list(answer.scores.values())), expected)
    assert list(answer.outputs()) == ["prediction", "score.no", "score.yes", "id"]
    service.close()
    rows = {row["id"]: row for row in logged()}
    assert set(rows) == {"r-0", "r-1"}
    for position, name in enumerate(answer.ids):
        assert rows[name]["score.yes"] == expected[position, 1]
        assert rows[name]["prediction"] == answer.labels[position]
        assert (rows[name]["version"], rows[name]["request"]) == ("7", "r")
        assert rows[name]["latency_seconds"] > 0
    assert [rows[name]["features.age"] for name in answer.ids] == [25.0, None]


def test_before_there_is_a_champion_nothing_is_answered(serve):
    with pytest.raises(ModelUnavailable, match="no champion yet"):
        serve(None).answer("r", INPUTS)


def test_a_challenger_that_cannot_answer_leaves_it_to_the_champion(serve, logged):
    service = serve(fitted("1"), fitted("2", balance=[1.0, 2.0, 3.0, 4.0]), canary_share=1.0)
    answer = service.answer("r", INPUTS)
    assert (answer.version, answer.role) == ("1", "champion")
    # What only the challenger knows may be sent.
    balance = Tensor("balance", "FP64", [2], [1.0, 2.0])
    answer = service.answer("s", [*INPUTS, balance])
    assert (answer.version, answer.role) == ("2", "challenger")
    service.close()
    assert [row["id"] for row in logged()] == ["r-0", "r-1"]
    failed, answered = logged("challenger")[:2], logged("challenger")[2:]
    assert [(row["id"], row["request"], row["version"]) for row in failed] == [
        ("r-0", "r", "2"),
        ("r-1", "r", "2"),
    ]
    assert {(row["prediction"], row["score.yes"], row["features.age"]) for row in failed} == {
        (None, None, None)
    }
    assert [row["id"] for row in answered] == ["s-0", "s-1"]
    assert "features.balance" in answered[0]


def test_columns_that_nobody_knows_are_refused_unless_they_are_ignored(serve):
    inputs = [*INPUTS, Tensor("zip", "BYTES", [2], ["a", "b"])]
    with pytest.raises(DataRejected, match="'zip' is unknown"):
        serve(fitted("1")).answer("r", inputs)
    assert serve(fitted("1"), ignore_unknown_columns=True).answer("r", inputs).labels


def test_nothing_is_logged_of_a_refused_request(serve, logged):
    service = serve(fitted("1"), fitted("2"), canary_share=0.5)
    for request in map(str, range(20)):
        with pytest.raises(DataRejected):
            service.answer(request, [Tensor("age", "BYTES", [1], ["old"])])
        with pytest.raises(DataRejected, match="output 'score'"):
            service.answer(request, INPUTS, ["score"])
    for request in ("", "a b", "ä", "x\n", "x" * 201):
        with pytest.raises(DataRejected, match="id must have 1 to 200"):
            service.answer(request, INPUTS)
    service.answer("kept", INPUTS)
    service.close()
    roles = [role for role in ("champion", "challenger") for _ in logged(role)]
    assert len(roles) == 2


def test_a_canary_goes_by_the_request_id(serve):
    service = serve(fitted("1"), fitted("2"), canary_share=0.3)
    for request in map(str, range(50)):
        expected = "challenger" if routes_to_challenger(request, 0.3) else "champion"
        assert {service.answer(request, INPUTS).role for _ in range(2)} == {expected}


def test_rows_are_named_by_the_id_column(serve, logged):
    service = serve(fitted("1"), id_column="call")
    named = [*INPUTS, Tensor("call", "BYTES", [2], ["a", "b"])]
    assert service.answer("r", named).ids == ["a", "b"]
    assert service.answer("s", [*INPUTS, Tensor("call", "INT64", [2], [1, 2])]).ids == ["1", "2"]
    assert service.answer("t", INPUTS).ids == ["t-0", "t-1"]
    typed = Tensor("call", "BYTES", [2], ["1.0", " 2 "])
    assert service.answer("v", [*INPUTS, typed]).ids == ["1", "2"]
    for wrong, message in ((["a", "a"], "twice"), ([None, "a"], "row 0"), (["a", ""], "row 1")):
        with pytest.raises(DataRejected, match=message):
            service.answer("u", [*INPUTS, Tensor("call", "BYTES", [2], wrong)])
    service.close()
    assert {row["id"] for row in logged()} == {"a", "b", "1", "2", "t-0", "t-1"}
    assert "features.call" not in logged()[0]


class Slow:
    """A model that waits until it may go on."""

    def __init__(self, model):
        self._model = model
        self.classes_ = model.classes_
        self.may_go_on = threading.Event()

    def predict_proba(self, rows):
        self.may_go_on.wait(20)
        return self._model.predict_proba(rows)


def test_a_slow_shadow_delays_nobody_and_skips_what_does_not_fit(serve, logged):
    shadow = fitted("2")
    slow = Slow(shadow.predictor.model)
    shadow = replace(shadow, predictor=replace(shadow.predictor, model=slow))
    service = serve(fitted("1"), shadow, shadow=True, shadow_requests=3)
    begun = time.monotonic()
    for request in map(str, range(10)):
        assert service.answer(request, INPUTS).role == "champion"
    assert time.monotonic() - begun < 10
    slow.may_go_on.set()
    service.close()
    assert len(logged()) == 20
    # The first three requests had room.
    assert {row["request"] for row in logged("shadow")} == {"0", "1", "2"}
    assert {row["version"] for row in logged("shadow")} == {"2"}


@pytest.mark.parametrize("settings", [{"shadow": True}, {"canary_share": 1.0}])
def test_a_failing_challenger_fails_no_request_and_is_logged_without_an_answer(
    serve, logged, caplog, settings
):
    service = serve(fitted("1"), broken("2"), require_log=True, **settings)
    assert service.answer("r", INPUTS).logged
    service.close()
    assert len(logged()) == 2
    failed = logged("shadow" if "shadow" in settings else "challenger")
    assert [(row["id"], row["version"], row["prediction"]) for row in failed] == [
        ("r-0", "2", None),
        ("r-1", "2", None),
    ]
    assert "version 2 of calls could not predict as" in caplog.text
    assert "25.0" not in caplog.text


def test_features_are_redacted_before_they_are_logged(serve, logged):
    service = serve(fitted("1"), redaction={"columns": {"age": "drop"}})
    service.answer("r", INPUTS)
    service.close()
    assert not [name for name in logged()[0] if name.startswith("features.")]


def test_redaction_of_a_column_that_is_not_there_is_said(serve, caplog):
    rules = {"columns": {"age": "drop", "agee": "drop", "call": "hash"}, "key": "0123456789abcdef"}
    service = serve(fitted("1"), id_column="call", redaction=rules)
    service.models._on_champion()
    assert "redaction names ['agee'], which the model has not" in caplog.text

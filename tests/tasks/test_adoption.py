"""A model of any flavour is adopted: it predicts here as at home, and a version has everything or nothing."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from mlflow import pyfunc
from prefect import flow
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError, DataRejected, ModelUnavailable
from prefect_mlops.core.settings import Columns
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.references import reference_of
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.tasks import adopt, roll_back
from support.foreign import FEATURES, as_lightgbm, register, register_with_code, typed

TRAIN, ROWS = make_calls(400, seed=1), make_calls(300, seed=2, start="2026-02-01")
COLUMNS = Columns(target="y", timestamp="called_at", id="call_id")
OF_NUMBERS = Columns(target="y", timestamp="called_at", id="call_id", ignored=["job"])


@pytest.fixture
def project(make_project):
    return make_project()


def adopted(project, model, rows=ROWS, **keywords):
    given = {"columns": COLUMNS, "task_type": "binary", "stores": project.stores} | keywords
    return adopt.fn(model, rows, **given)


def test_a_lightgbm_model_that_plain_mlflow_registered_predicts_as_at_home(project):
    version = adopted(project, register(project, "lightgbm", TRAIN), typed(ROWS))
    assert (version.name, version.version, version.aliases) == ("calls", "1", ["champion"])
    predictor = project.registry.load_model(version.uri, "binary")
    # As production sends them: no category types, an integer that became text, another order.
    sent = ROWS[["job", "weak", "strong", "call_id"]].astype({"weak": str})
    expected = as_lightgbm(TRAIN).predict_proba(typed(ROWS)[FEATURES])
    assert predictor.predict(sent) == pytest.approx(expected, abs=1e-9)
    assert predictor.feature_types == {"strong": "number", "weak": "number", "job": "category"}
    reference = reference_of(project.registry, version)
    assert reference.promise.metric == "log_loss"
    assert len(reference.promise.periods) == 5
    assert max(reference.importance, key=reference.importance.get) == "strong"
    assert float(version.tags[tags.HOLDOUT_SCORE]) == pytest.approx(reference.promise.value)
    assert version.tags[tags.CUTOFF] == ROWS["called_at"].max().isoformat()


@pytest.mark.parametrize("kind", ["booster", "pipeline", "python"])
def test_other_flavours_are_asked_for_probabilities(project, kind):
    rows = typed(ROWS) if kind == "booster" else ROWS
    columns = OF_NUMBERS if kind in ("pipeline", "python") else COLUMNS
    version = adopted(project, register(project, kind, TRAIN), rows, columns=columns)
    predictor = project.registry.load_model(version.uri, "binary")
    found = predictor.predict(ROWS)
    assert found.shape == (300, 2)
    score = (predictor.labels(found) == ROWS["y"].to_numpy()).mean()
    assert score > 0.7, kind
    # As libraries of checks ask, who know estimators of scikit-learn.
    conformed = predictor.prepare(ROWS)
    assert (predictor.model.predict(conformed) == predictor.labels(found)).all()


def test_a_regression_is_adopted(project):
    frame = ROWS.assign(y=ROWS["weak"] * 2)
    version = adopted(
        project,
        register(project, "regression", TRAIN),
        frame,
        columns=OF_NUMBERS,
        task_type="regression",
    )
    assert project.registry.load_model(version.uri, "regression").predict(frame) == pytest.approx(
        frame["y"].to_numpy()
    )
    assert float(version.tags[tags.HOLDOUT_SCORE]) == pytest.approx(0.0, abs=1e-9)


def test_a_model_that_cannot_be_adopted_is_not_registered(project):
    with pytest.raises(ModelUnavailable, match="labels"):
        adopted(project, register(project, "labels", TRAIN), columns=OF_NUMBERS)
    assert project.registry.get_client().search_model_versions("name='calls'") == []


@pytest.mark.parametrize(
    ("kind", "said"), [("labels", "labels"), ("logits", "no probability"), ("three", "shape")]
)
def test_a_model_without_probabilities_is_refused_and_left_as_it_was(project, kind, said):
    uri = register(project, kind, TRAIN, name="calls")
    with pytest.raises(ModelUnavailable, match=said):
        adopted(project, uri, columns=OF_NUMBERS)
    version = get_version(project.registry, "1")
    assert version.tags == {}
    assert version.aliases == []


def test_nobody_takes_a_champions_place_by_accident(project):
    first = adopted(project, register(project, "half", TRAIN, name="calls"), columns=OF_NUMBERS)
    uri = register(project, "pipeline", TRAIN, name="calls")
    with pytest.raises(ConfigurationError, match="version 1 is the champion of calls"):
        adopted(project, uri, columns=OF_NUMBERS)
    challenger = adopted(project, "2", columns=OF_NUMBERS, alias="challenger")
    assert challenger.aliases == ["challenger"]
    assert find_version(project.registry, "champion").version == first.version
    assert adopted(project, "2", columns=OF_NUMBERS, replace_champion=True).aliases == ["champion"]
    history = [(entry["previous"], entry["version"]) for entry in promotion_log(project.stores)]
    assert history == [("1", "2"), (None, "1")]
    assert roll_back.fn(reason="worse", stores=project.stores).version == "1"


def test_adopting_again_makes_no_second_version(project):
    uri = register(project, "pipeline", TRAIN)
    assert adopted(project, uri, columns=OF_NUMBERS).version == "1"
    again = adopted(project, uri, ROWS.head(200), columns=OF_NUMBERS)
    assert again.version == "1"
    assert len(promotion_log(project.stores)) == 1
    assert reference_of(project.registry, again).promise.rows == 200


def test_it_works_as_a_task_of_a_flow_and_by_the_uri_of_a_run(project):
    uri = register(project, "pipeline", TRAIN)
    client = project.registry.get_client()
    run_id = client.get_model_version("theirs", uri.rpartition("/")[2]).run_id

    @flow
    def mine():
        future = adopt.submit(
            f"runs:/{run_id}/model",
            ROWS,
            columns=OF_NUMBERS,
            task_type="binary",
            stores=project.stores,
        )
        return future.result()

    assert mine().tags[tags.PROJECT] == "calls"


@pytest.mark.parametrize(
    ("rows", "keywords", "error", "said"),
    [
        (ROWS.head(20), {}, DataRejected, "20 rows are too few"),
        (ROWS.drop(columns="weak"), {}, DataRejected, "takes columns .'weak'"),
        (ROWS.drop(columns="y"), {}, DataRejected, "'y'"),
        (ROWS.assign(y="maybe"), {}, DataRejected, "'maybe'.*none of the model's classes"),
        (ROWS.assign(called_at="soon"), {}, DataRejected, "no moments, first 'soon'"),
        (ROWS, {"metric": "rmse"}, ConfigurationError, "'rmse' is no loss for binary"),
    ],
)
def test_bad_input_is_named(project, rows, keywords, error, said):
    uri = register(project, "pipeline", TRAIN)
    with pytest.raises(error, match=said):
        adopted(project, uri, rows, columns=OF_NUMBERS, **keywords)
    assert find_version(project.registry, "champion") is None


@pytest.mark.parametrize("model", ["models:/nobody/1", "models:/theirs@none", "9", "runs:/none/m"])
def test_a_model_that_is_not_there_is_told(project, model):
    register(project, "half", TRAIN)
    with pytest.raises(ModelUnavailable):
        adopted(project, model)


def test_a_foreign_model_that_nobody_adopted_is_not_scored_with(project):
    uri = register(project, "pipeline", TRAIN, name="calls")
    registry = ModelRegistry(tracking_uri=project.registry.tracking_uri, model_name="calls")
    with pytest.raises(ModelUnavailable, match=r"adopt\(model, rows\)"):
        registry.load_model(uri, "binary")


def test_rows_from_a_file_have_no_category_types_and_need_none(project):
    version = adopted(project, register(project, "lightgbm", TRAIN), ROWS)
    expected = as_lightgbm(TRAIN).predict_proba(typed(ROWS)[FEATURES])
    predictor = project.registry.load_model(version.uri, "binary")
    assert predictor.predict(ROWS) == pytest.approx(expected, abs=1e-9)
    # Alone, a row's only category must not become another one.
    assert predictor.predict(ROWS.iloc[[7]]) == pytest.approx(expected[[7]], abs=1e-9)


def test_a_model_whose_answer_depends_on_the_rows_beside_is_refused(project):
    with pytest.raises(ModelUnavailable, match="must not depend on the rows beside it"):
        adopted(project, register(project, "ranks", TRAIN), columns=OF_NUMBERS)


def test_text_that_changes_on_the_way_is_noticed(project):
    """Spaces around categories are taken away everywhere; this model needs them."""
    spaced = TRAIN.assign(job=" " + TRAIN["job"].where(TRAIN["job"] != "student", "student "))
    spaced["y"] = np.where(spaced["job"] == " student ", "yes", "no")
    rows = spaced.head(100).assign(job=pd.Categorical(spaced["job"].head(100)))
    with pytest.raises(ModelUnavailable, match=r"answers .* rows otherwise"):
        adopted(project, register(project, "lightgbm", spaced), rows)


def test_the_model_itself_stays_as_it_was(project):
    uri = register(project, "pipeline", TRAIN)
    adopted(project, uri, columns=OF_NUMBERS)
    theirs = project.registry.get_client().get_model_version("theirs", "1")
    assert (theirs.tags, list(theirs.aliases)) == ({}, [])
    place = project.registry.get_client().get_logged_model(
        str(theirs.source).removeprefix("models:/")
    )
    assert pyfunc.load_model(place.artifact_location).predict(ROWS[["strong", "weak"]]).shape == (
        300,
    )


THEIR_MODULE = """
import mlflow
import numpy as np
{top}

class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        {inside}
        return np.full(len(model_input), {answer})

MODEL = Model()
"""


def _theirs(answer, top="", inside="pass"):
    return THEIR_MODULE.format(answer=answer, top=top, inside=inside)


def test_champion_and_challenger_each_run_their_own_code_of_one_name(
    project, monkeypatch, tmp_path
):
    first = register_with_code(
        project, monkeypatch, tmp_path / "1", "their_model", _theirs("np.float64(0.25)")
    )
    second = register_with_code(
        project, monkeypatch, tmp_path / "2", "their_model", _theirs("np.float64(0.75)")
    )
    champion = adopted(project, first, columns=OF_NUMBERS)
    challenger = adopted(project, second, columns=OF_NUMBERS, alias="challenger")
    loaded = [
        project.registry.load_model(version.uri, "binary") for version in (champion, challenger)
    ]
    assert [predictor.predict(ROWS)[0, 1] for predictor in loaded] == [0.25, 0.75]
    # One that nobody adopted, as `compare` loads it.
    tried = [
        project.registry.load_on_rows(uri, ROWS, columns=OF_NUMBERS, task_type="binary")
        for uri in (first, second)
    ]
    assert [predictor.predict(ROWS)[0, 1] for predictor in tried] == [0.25, 0.75]
    assert "their_model" not in sys.modules
    assert not [entry for entry in sys.path if entry.endswith("/code")]


def test_code_that_is_imported_only_when_the_model_predicts_is_refused_and_told(
    project, monkeypatch, tmp_path
):
    text = _theirs("0.5", inside="import their_late")
    uri = register_with_code(project, monkeypatch, tmp_path / "1", "their_late", text)
    with pytest.raises(ModelUnavailable, match=r"their_late.*at the top of"):
        adopted(project, uri, columns=OF_NUMBERS)


@pytest.mark.parametrize("classes", [[False, True], [0, 1]])
def test_classes_that_are_no_text_are_adopted(project, classes):
    def with_classes(frame):
        return frame.assign(y=np.asarray(classes)[(frame["y"] == "yes").astype(int)])

    uri = register(project, "pipeline", with_classes(TRAIN))
    version = adopted(project, uri, with_classes(ROWS), columns=OF_NUMBERS)
    predictor = project.registry.load_model(version.uri, "binary")
    found = predictor.labels(predictor.predict(ROWS))
    assert found.tolist() != [classes[0]] * 300
    assert set(found.tolist()) == set(classes)


def test_a_threshold_of_the_models_own_decides_wherever_it_is_loaded(project):
    uri = register(project, "threshold", TRAIN)
    with pytest.raises(ConfigurationError, match="use log_loss or brier"):
        adopted(project, uri, columns=OF_NUMBERS, metric="error_rate")
    version = adopted(project, uri, columns=OF_NUMBERS)
    predictor = project.registry.load_model(version.uri, "binary")
    probabilities = predictor.predict(ROWS)
    said = np.where(probabilities[:, 1] >= 0.1, "yes", "no").tolist()
    assert predictor.labels(probabilities).tolist() == said
    assert said.count("yes") > 1.2 * (probabilities[:, 1] > 0.5).sum()
    reference = reference_of(project.registry, version)
    assert reference.sample["prediction"].tolist() == said
    run = project.registry.get_client().get_run(version.tags[tags.EVIDENCE_RUN_ID])
    assert run.data.metrics["decision.threshold"] == 0.1
    assert "holdout.cost" not in run.data.metrics
    assert run.data.metrics["holdout.error_rate"] == pytest.approx((said != ROWS["y"]).mean())

"""Suites, checkpoints and reports of the user's own run as steps, with page and verdict."""

import great_expectations as gx
import pandas as pd
import pyarrow as pa
import pytest
from evidently import Report
from evidently.presets import DataDriftPreset
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.core.workspace import read_uri
from prefect_mlops.gates.deepchecks_compat import load
from prefect_mlops.tasks import run_deepchecks, run_evidently, run_expectations
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

ROLES = Columns(target="y", features=["strong", "weak", "job"])


@pytest.fixture
def workspace(tmp_path):
    return str(tmp_path / "kept")


def jobs(*allowed):
    expectations = gx.expectations
    return gx.ExpectationSuite(
        name="jobs",
        expectations=[
            expectations.ExpectColumnValuesToNotBeNull(column="strong"),
            expectations.ExpectColumnValuesToBeInSet(column="job", value_set=list(allowed)),
        ],
    )


def page_of(found) -> str:
    page = read_uri(found.report_uri).decode()
    assert "<html" in page
    return page


class TestExpectations:
    def test_a_suite_that_holds_passes(self, calls, workspace):
        suite = jobs("admin", "student", "retired")
        found = run_expectations.fn(calls(50), suite, workspace=workspace)
        assert (found.library, found.verdict) == ("great_expectations", "passed")
        assert "all 2 expectations hold on 50 rows" in found.gates[0].reason
        page_of(found)

    def test_what_does_not_hold_is_named_with_its_values(self, calls, workspace):
        table = pa.Table.from_pandas(calls(50))
        found = run_expectations.fn(table, jobs("admin", "student"), workspace=workspace)
        assert found.verdict == "failed"
        (gate,) = found.gates
        assert "'retired'" in gate.reason
        assert "retired" in page_of(found)

    def test_a_checkpoint_is_run_on_the_rows(self, calls, workspace):
        context = gx.get_context(mode="ephemeral")
        batches = (
            context.data_sources.add_pandas("own")
            .add_dataframe_asset("calls")
            .add_batch_definition_whole_dataframe("all")
        )
        suite = context.suites.add(jobs("admin"))
        definition = context.validation_definitions.add(
            gx.ValidationDefinition(name="jobs", data=batches, suite=suite)
        )
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(name="nightly", validation_definitions=[definition])
        )
        found = run_expectations.fn(calls(50), checkpoint, workspace=workspace)
        assert found.verdict == "failed"
        assert [gate.verdict for gate in found.gates] == ["failed"]
        page_of(found)

    def test_what_is_no_suite_is_refused(self, calls, workspace):
        with pytest.raises(ConfigurationError, match="list is no suite"):
            run_expectations.fn(calls(5), [], workspace=workspace)


class TestDeepchecks:
    @pytest.fixture
    def model(self, calls):
        rows = calls(600)
        encoder = make_column_transformer((OneHotEncoder(), ["job"]), remainder="passthrough")
        return make_pipeline(encoder, LogisticRegression()).fit(rows[ROLES.features], rows["y"])

    @pytest.mark.parametrize(("least", "verdict"), [(0.6, "passed"), (0.999, "failed")])
    def test_a_suite_on_a_model_of_ones_own(self, calls, workspace, model, least, verdict):
        checks = load().tabular.checks
        check = checks.TrainTestPerformance(scorers=["accuracy"])
        check.add_condition_test_performance_greater_than(least)
        found = run_deepchecks.fn(
            [check],
            calls(600),
            calls(400, seed=1),
            model,
            columns=ROLES,
            task_type="binary",
            workspace=workspace,
        )
        assert (found.library, found.verdict) == ("deepchecks", verdict)
        assert found.gates[0].name.startswith("TrainTestPerformance")
        assert "Train Test Performance" in page_of(found)

    def test_a_check_that_cannot_run_is_no_pass(self, calls, workspace):
        check = load().tabular.checks.TrainTestPerformance()
        check.add_condition_test_performance_greater_than(0.1)
        rows = calls(100)
        given = {"columns": ROLES, "task_type": "binary", "workspace": workspace}
        found = run_deepchecks.fn(check, rows, rows, **given)
        assert found.verdict == "not_run"

    def test_a_missing_column_is_named(self, calls, workspace):
        check = load().tabular.checks.NewCategoryTrainTest()
        given = {"columns": ROLES, "task_type": "binary", "workspace": workspace}
        with pytest.raises(DataRejected, match="'job' is missing in the test rows"):
            run_deepchecks.fn(check, calls(9), calls(9).drop(columns="job"), **given)

    def test_what_is_no_check_is_refused(self, calls, workspace):
        given = {"columns": ROLES, "task_type": "binary", "workspace": workspace}
        with pytest.raises(ConfigurationError, match="no check of deepchecks"):
            run_deepchecks.fn(["TrainTestPerformance"], calls(9), calls(9), **given)


class TestEvidently:
    @pytest.mark.parametrize(("shift", "verdict"), [(0.0, "passed"), (3.0, "failed")])
    def test_a_report_of_presets_has_a_verdict_by_its_tests(self, calls, workspace, shift, verdict):
        names = ["strong", "weak", "job"]
        found = run_evidently.fn(
            Report([DataDriftPreset()], include_tests=True),
            calls(500, seed=1, shift=shift)[names],
            calls(500)[names],
            workspace=workspace,
        )
        assert (found.library, found.verdict) == ("evidently", verdict)
        assert any("strong" in gate.name for gate in found.gates)
        assert len(page_of(found)) > 100_000

    def test_without_a_test_nothing_passed(self, calls, workspace):
        names = ["strong", "weak"]
        found = run_evidently.fn(
            Report([DataDriftPreset()]), calls(99)[names], calls(99)[names], workspace=workspace
        )
        assert found.verdict == "not_run"
        page_of(found)

    def test_rows_that_the_report_cannot_look_at_are_no_pass(self, workspace):
        report = Report([DataDriftPreset(columns=["missing"])], include_tests=True)
        rows = pd.DataFrame({"a": [1.0, 2.0]})
        found = run_evidently.fn(report, rows, rows, workspace=workspace)
        assert found.verdict == "not_run"
        assert found.gates[0].reason.startswith("ValueError: ")

    def test_what_is_no_report_is_refused(self, calls, workspace):
        with pytest.raises(ConfigurationError, match=r"str is no evidently\.Report"):
            run_evidently.fn("drift", calls(9), workspace=workspace)

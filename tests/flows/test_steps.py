"""A step of an interrupted attempt runs again for rows that are gone, and what was made of the same rows stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from prefect import flow
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.results import DataValidation, Result, Snapshot
from prefect_mlops.data.snapshots import as_snapshot
from prefect_mlops.flows.steps import Steps

pytestmark = pytest.mark.usefixtures("prefect_api")


class Count(Result):
    """How many rows a step saw."""

    rows: int


class Attempt:
    """Two steps on the rows of a file, as a retry would run them."""

    def __init__(self, project) -> None:
        self._project = project
        self.source = Path(project.workspace).parent / "source.csv"
        self.worked: list[str] = []
        self.suites = 0

    def run(self, kind: str = "snapshot") -> int:
        def read() -> Snapshot:
            self.worked.append("read")
            return as_snapshot(pd.read_csv(self.source), self._project.open_workspace())

        def validate() -> DataValidation:
            self.worked.append("validate")
            self.suites += 1
            rows = as_snapshot(pd.read_csv(self.source), self._project.open_workspace())
            return DataValidation(
                snapshot=rows, gates=[], suite_uri=f"suite-{self.suites}", inferred=True
            )

        def count(rows: Snapshot) -> Count:
            self.worked.append("count")
            return Count(rows=rows.rows)

        @flow
        def attempt() -> int:
            kept = Checkpoints(self._project.open_workspace(), "key")
            steps = Steps(self._project, kept, ["read", "validate", "count"])
            if kind == "snapshot":
                rows = steps.run(read)
            else:
                found = steps.run(validate)
                assert found.suite_uri == "suite-1"
                rows = found.snapshot
            return steps.run(count, rows).rows

        self.worked.clear()
        return attempt()


@pytest.fixture
def attempt(make_project, tmp_path) -> Attempt:
    attempt = Attempt(make_project())
    pd.DataFrame({"x": range(30)}).to_csv(attempt.source, index=False)
    return attempt


@pytest.fixture
def delete_rows(tmp_path):
    return lambda: shutil.rmtree(tmp_path / "workspace" / "snapshots")


def test_a_finished_step_is_not_run_again(attempt):
    assert attempt.run() == 30
    assert attempt.worked == ["read", "count"]
    assert attempt.run() == 30
    assert attempt.worked == []


def test_deleted_rows_are_read_again_and_what_was_made_of_them_stays(
    attempt, delete_rows, tmp_path
):
    attempt.run()
    delete_rows()
    assert attempt.run() == 30
    assert attempt.worked == ["read"]
    assert list((tmp_path / "workspace" / "snapshots").glob("*.parquet"))
    assert attempt.run() == 30
    assert attempt.worked == []


def test_of_other_rows_than_those_that_were_deleted_everything_is_made_again(attempt, delete_rows):
    attempt.run()
    delete_rows()
    pd.DataFrame({"x": range(20)}).to_csv(attempt.source, index=False)
    assert attempt.run() == 20
    assert attempt.worked == ["read", "count"]


def test_rows_inside_a_result_are_made_again_and_its_judgement_stays(attempt, delete_rows):
    attempt.run("validation")
    delete_rows()
    assert attempt.run("validation") == 30
    assert attempt.worked == ["validate"]

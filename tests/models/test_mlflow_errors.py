"""What MLflow and its database raise becomes one error without a password."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException
from prefect_mlops.core.errors import RegistryUnavailable
from prefect_mlops.models.mlflow_errors import is_database, mlflow_errors, reason_of, shown_cause

OPEN, SECRET = "http://127.0.0.1:9", "http://me:hunter2@127.0.0.1:9"


@pytest.mark.parametrize("uri", ["sqlite:///a.db", "postgresql+psycopg2://h/d", "mysql://h/d"])
def test_databases_are_told_from_servers(uri):
    assert is_database(uri)
    assert not is_database(f"https://{uri}")


@pytest.mark.parametrize("error", [MlflowException("no such run"), ConnectionError("refused")])
def test_errors_of_mlflow_are_raised_as_one(error):
    said = rf"{OPEN} cannot be reached.*{error}"
    with pytest.raises(RegistryUnavailable, match=said) as caught, mlflow_errors(OPEN):
        raise error
    assert caught.value.__cause__ is error


def test_a_password_is_neither_in_the_message_nor_in_the_cause():
    with pytest.raises(RegistryUnavailable) as caught, mlflow_errors(SECRET):
        raise MlflowException(f"cannot reach {SECRET}")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert shown_cause(ValueError("x"), OPEN, SECRET) is None


def test_errors_of_others_pass_through():
    with pytest.raises(KeyError), mlflow_errors(OPEN):
        raise KeyError("mine")


def test_a_database_that_cannot_be_opened_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RegistryUnavailable, match="sqlite"),
        mlflow_errors(f"sqlite:///{tmp_path}/file/mlflow.db"),
    ):
        pass


def test_the_reason_is_the_first_line_that_says_something():
    error = ValueError(
        "(raised as a result of Query-invoked autoflush)\n\nno such table: runs\nmore"
    )
    assert reason_of(error) == "no such table: runs"
    assert reason_of(ValueError("")) == "no message"

"""What could not be logged is counted and said, and holds nobody up."""

import time

import pytest
from prefect_mlops.core.errors import LogUnavailable
from support.versions import INPUTS, broken, fitted


def test_a_failure_that_cannot_be_logged_leaves_the_request_to_the_champion(serve, caplog):
    service = serve(fitted("1"), broken("2"), canary_share=1.0)
    service.close()
    answer = service.answer("r", INPUTS)
    assert (answer.version, answer.logged) == ("1", False)
    assert "2 failures are not logged" in caplog.text


def test_what_cannot_be_logged_is_answered_and_said_or_refused(serve):
    service, strict = serve(fitted("1")), serve(fitted("1"), require_log=True)
    service.close()
    strict.close()
    answer = service.answer("r", INPUTS)
    assert (len(answer.labels), answer.logged) == (2, False)
    with pytest.raises(LogUnavailable):
        strict.answer("r", INPUTS)


def test_a_full_log_holds_a_request_up_only_briefly(serve, tmp_path):
    (tmp_path / "predictions.db").mkdir()
    service = serve(fitted("1"), buffer_rows=2)
    assert service.answer("r", INPUTS).logged
    begun = time.monotonic()
    assert not service.answer("s", INPUTS).logged
    assert time.monotonic() - begun < 5
    (tmp_path / "predictions.db").rmdir()


def test_without_a_log_it_says_so_and_answers(serve, caplog):
    service = serve(fitted("1"), predictions=None)
    assert "predictions are not logged" in caplog.text
    assert not service.answer("r", INPUTS).logged

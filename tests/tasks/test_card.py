"""A model card is written for any registered version, and again it is the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import make_calls
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError, ModelUnavailable
from prefect_mlops.core.results import Approval
from prefect_mlops.core.settings import CardSettings
from prefect_mlops.registry.run_files import read_file
from prefect_mlops.registry.versions import get_version
from prefect_mlops.tasks import adopt, write_card
from prefect_mlops.tasks.promotion import promote, roll_back
from prefect_mlops.tasks.registration import finalise
from prefect_mlops.tasks.registration import register as register_candidate
from support.candidates import crown, log_candidate, split_at
from support.foreign import register, typed

ROWS = make_calls(300, seed=2, start="2026-02-01")


@pytest.fixture
def project(make_project):
    return make_project(gates={"resamples": 200})


def test_an_adopted_version_has_a_card_that_stays_the_same(project):
    found = adopt.fn(
        register(project, "lightgbm", make_calls(400, seed=1)),
        typed(ROWS),
        **project.arguments(adopt),
    )
    given = project.arguments(write_card)
    card = write_card.fn(found, **given)
    assert "trained elsewhere and adopted" in card.markdown
    assert "holdout (300 rows)" in card.markdown
    assert "which training rows it saw was not recorded" in card.markdown
    assert "Not explained by SHAP values" in card.markdown
    version = get_version(project.registry, found.version)
    assert version.tags[tags.CARD_URI] == card.html_uri
    page = read_file(project.registry, card.run_id, "reports/model_card.html")
    assert write_card.fn("models:/calls@champion", **given) == card
    assert read_file(project.registry, card.run_id, "reports/model_card.html") == page
    described = project.registry.get_client().get_model_version("calls", found.version).description
    assert described.count("Model card: ") == 1
    assert described.endswith(f"`{card.html_uri}`")


def test_a_version_that_nobody_adopted_has_a_card_in_a_run_of_its_own(project):
    theirs = crown(project, log_candidate(project, split_at(project, ROWS, 200)))
    given = {**project.arguments(write_card), "card": CardSettings(owner="Retail")}
    card = write_card.fn(theirs.version, **given)
    assert card.run_id != theirs.run_id
    assert read_file(project.registry, theirs.run_id, "reports/model_card.md") is None
    assert "Scores: *not recorded*." in card.markdown
    assert "| owner | Retail |" in card.markdown
    assert "owner" not in card.not_stated
    assert write_card.fn(theirs.version, **given).run_id == card.run_id


def test_a_challenger_that_was_promoted_later_does_not_read_as_one_that_was_not(project):
    split = split_at(project, ROWS, 200)
    version = finalise.fn(
        register_candidate.fn(
            log_candidate(project, split), {tags.TRAINING_KEY: "k"}, stores=project.stores
        ),
        "challenger",
        ["superiority: not surely better"],
        registry=project.registry,
    )
    given = project.arguments(write_card)
    assert (
        "registered, and not promoted when this card was"
        in write_card.fn(version, **given).markdown
    )
    approval = Approval(
        decision="approved",
        reason="risk team",
        by="Ann",
        through="python",
        decided_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    reason = "canary: surely better on live traffic"
    promote.fn(version, expected=None, reason=reason, approval=approval, stores=project.stores)
    # The result of before the promotion: what is true now is read.
    text = write_card.fn(version, **given).markdown
    assert "not promoted when" not in text
    assert "Its training did not promote it. It became the champion on 20" in text
    assert f"| approved by Ann (python): risk team | {reason} |" in text
    other = crown(project, log_candidate(project, split, name="other"))
    assert "by no promotion" in write_card.fn(other.version, **given).markdown
    roll_back.fn(version.version, "complaints", stores=project.stores)
    assert "became the champion again on" in write_card.fn(version, **given).markdown


def test_what_is_no_version_is_refused(project):
    candidate = log_candidate(project, split_at(project, ROWS, 200))
    with pytest.raises(ConfigurationError, match="no registered version"):
        write_card.fn(candidate.model_uri, **project.arguments(write_card))
    crown(project, candidate)
    with pytest.raises(ModelUnavailable, match="no version 7"):
        write_card.fn("7", **project.arguments(write_card))

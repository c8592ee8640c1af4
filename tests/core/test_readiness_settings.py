"""What people attest: known tests only, each by somebody on a day."""

import pytest
from prefect_mlops.core.settings import CardSettings, ReadinessSettings
from prefect_mlops.core.settings.readiness import CHECK_IDS
from pydantic import ValidationError

GIVEN = {"by": "A. Silva", "on": "2026-03-01", "note": "Access review"}


def test_there_are_28_tests():
    assert len(set(CHECK_IDS)) == 28


@pytest.mark.parametrize(
    ("name", "near"), [("D8", "D"), ("d5", "did you mean D5"), ("privacy", "D1 to D7")]
)
def test_an_unknown_test_is_refused_with_the_nearest(name, near):
    with pytest.raises(ValidationError, match=f"{name!r}, which is no test.*{near}"):
        ReadinessSettings.model_validate({"attestations": {name: GIVEN}})


@pytest.mark.parametrize("lacking", GIVEN)
def test_an_attestation_has_a_name_a_day_and_a_note(lacking):
    given = {name: value for name, value in GIVEN.items() if name != lacking}
    with pytest.raises(ValidationError, match=lacking):
        ReadinessSettings.model_validate({"attestations": {"D5": given}})


def test_what_is_not_used_is_not_written():
    assert CardSettings().model_dump() == {}
    assert ReadinessSettings().model_dump() == {}
    used = ReadinessSettings.model_validate({"attestations": {"D5": GIVEN}})
    assert set(used.model_dump(mode="json")["attestations"]["D5"]) == {"by", "on", "note"}


def test_what_people_say_leaves_a_training_the_same(make_project):
    plain = make_project()
    said = make_project(card={"owner": "Retail"}, readiness={"attestations": {"D5": GIVEN}})
    assert said.training_digest() == plain.training_digest()
    assert said.card.owner == "Retail"

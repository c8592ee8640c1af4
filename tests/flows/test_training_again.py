"""Training the same rows again after somebody changed the registry in between."""

from __future__ import annotations

import pytest
from conftest import make_calls
from prefect_mlops.core import tags
from prefect_mlops.flows import train
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_champion

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.timeout(900),
    pytest.mark.slow,
]


def delete_version(client) -> None:
    client.delete_model_version("calls", "1")


def delete_model(client) -> None:
    client.delete_registered_model("calls")


def delete_alias(client) -> None:
    client.delete_registered_model_alias("calls", tags.CHAMPION)


@pytest.mark.parametrize(
    ("delete", "version"), [(delete_version, "2"), (delete_model, "1"), (delete_alias, "2")]
)
def test_a_version_or_champion_that_was_deleted_is_trained_again(
    champion, dataset, delete, version
):
    dataset("rows", make_calls(1_000))
    delete(champion.registry.get_client())
    assert find_version(champion.registry, tags.CHAMPION) is None
    outcome = train(champion)
    assert outcome.outcome == "promoted"
    assert get_champion(champion.registry) == outcome.version
    assert get_champion(champion.registry).version == version
    assert promotion_log(champion.stores)[0]["version"] == version
    # And now it is known again.
    assert train(champion).version == outcome.version


def test_somebody_elses_champion_is_replaced_by_one_command_that_every_place_names(
    champion, dataset
):
    client = champion.registry.get_client()
    version = client.get_model_version("calls", "1")
    foreign = client.create_model_version("calls", version.source, version.run_id)
    client.set_registered_model_alias("calls", tags.CHAMPION, foreign.version)
    dataset("rows", make_calls(1_100))
    outcome = train(champion)
    assert outcome.outcome == "challenger"
    assert "train(project, replace_champion=True)" in outcome.reasons[0]
    outcome = train(champion, replace_champion=True)
    assert outcome.outcome == "promoted", outcome.reasons
    assert get_champion(champion.registry) == outcome.version
    entry = promotion_log(champion.stores)[0]
    assert (entry["previous"], entry["version"]) == ("2", outcome.version.version)
    assert "version 2 is replaced without a comparison, as was asked" in entry["reason"]
    superiority = next(gate for gate in outcome.gates if gate.name == "superiority")
    assert superiority.reason == entry["reason"]

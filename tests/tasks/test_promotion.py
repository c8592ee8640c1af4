"""One promotion at a time, each written down, finished when interrupted, and nobody's choice undone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from mlflow import MlflowClient
from prefect_mlops.blocks import MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.errors import (
    ChampionChanged,
    ConfigurationError,
    LogUnavailable,
    ModelUnavailable,
    RegistryUnavailable,
)
from prefect_mlops.core.results import ModelVersion
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_champion, get_version
from prefect_mlops.storage.sqlite import SqliteStore
from prefect_mlops.tasks.promotion import promote, roll_back
from support.candidates import with_mlflow


class Killed(BaseException):
    """What a process is ended with in the middle of things."""


@pytest.fixture
def project(make_project) -> MLProject:
    """A project with five registered versions and no champion."""
    project = with_mlflow(make_project())
    client = project.registry.get_client()
    client.create_registered_model("calls")
    for _ in range(5):
        client.create_model_version("calls", "file:///nowhere")
    return project


def version(project: MLProject, number: int) -> ModelVersion:
    return get_version(project.registry, str(number))


def raise_champion(project: MLProject, number: int, expected: int | None, **keywords) -> None:
    promote.fn(
        version(project, number),
        expected=None if expected is None else str(expected),
        **{"reason": "better", **keywords},
        **project.arguments(promote),
    )


def champion(project: MLProject) -> str | None:
    found = find_version(project.registry, tags.CHAMPION)
    return found and found.version


def history(project: MLProject) -> list[tuple[str | None, str]]:
    return [(entry["previous"], entry["version"]) for entry in promotion_log(project.stores)]


def move_by_hand(project: MLProject, number: int) -> None:
    project.registry.get_client().set_registered_model_alias("calls", "champion", str(number))


def kill_at(monkeypatch, kind: str, *, before: bool = False) -> None:
    """Let the next record of a kind be the last thing that happens."""
    original = SqliteStore.record

    def record(self, found, *args):
        taken = None if before and found == kind else original(self, found, *args)
        if found == kind:
            raise Killed
        return taken

    monkeypatch.setattr(SqliteStore, "record", record)


def test_a_promotion_moves_the_alias_and_is_written_down(project):
    before = datetime.now(UTC)
    result = promote.fn(
        version(project, 1),
        expected=None,
        reason="first model",
        cause_id=None,
        **project.arguments(promote),
    )
    assert result.aliases == ["champion"]
    raise_champion(project, 3, 1, reason="log_loss is better", cause_id="c1")
    assert get_champion(project.registry).version == "3"
    newest, first = promotion_log(project.stores)
    assert first["previous"] is None
    assert newest == {
        "sequence": 2,
        "model": "calls",
        "version": "3",
        "previous": "1",
        "reason": "log_loss is better",
        "cause_id": "c1",
        "flow_run_id": None,
        "at": newest["at"],
    }
    assert before <= datetime.fromisoformat(newest["at"]) <= datetime.now(UTC)


def test_a_promoted_version_is_no_longer_the_challenger_and_another_one_stays(project):
    client = project.registry.get_client()
    client.set_registered_model_alias("calls", "challenger", "2")
    raise_champion(project, 1, None)
    challenger = find_version(project.registry, tags.CHALLENGER)
    assert challenger is not None
    assert challenger.version == "2"
    raise_champion(project, 2, 1)
    assert find_version(project.registry, tags.CHALLENGER) is None


@pytest.mark.parametrize("expected", [None, 2])
def test_another_champion_than_the_expected_one_stays(project, expected):
    raise_champion(project, 1, None)
    with pytest.raises(ChampionChanged, match="found 1"):
        raise_champion(project, 3, expected)
    assert champion(project) == "1"
    assert history(project) == [(None, "1")]


def test_an_expected_champion_that_is_gone_is_no_reason_to_promote(project):
    with pytest.raises(ChampionChanged, match="found None"):
        raise_champion(project, 2, 1)
    assert champion(project) is None


def test_repeating_a_promotion_changes_nothing(project):
    raise_champion(project, 1, None)
    for _ in range(2):
        raise_champion(project, 2, 1)
    assert history(project) == [("1", "2"), (None, "1")]


def test_of_threads_with_the_same_expectation_exactly_one_wins(project):
    raise_champion(project, 1, None)
    current = 1
    for _ in range(5):
        rivals = [number for number in (2, 3, 4, 5) if number != current]
        start = threading.Barrier(len(rivals))

        def attempt(number: int, start=start, current=current) -> int | None:
            start.wait()
            try:
                raise_champion(project, number, current)
            except ChampionChanged:
                return None
            return number

        with ThreadPoolExecutor(len(rivals)) as pool:
            winners = [number for number in pool.map(attempt, rivals) if number]
        assert len(winners) == 1
        assert champion(project) == str(winners[0])
        assert history(project)[0] == (str(current), str(winners[0]))
        current = winners[0]
    assert len(history(project)) == 6


RIVAL = """
import json, sys
from prefect_mlops.blocks import MLProject
from prefect_mlops.core.errors import ChampionChanged
from prefect_mlops.registry.versions import get_version
from prefect_mlops.tasks.promotion import promote

project = MLProject.model_validate(json.loads(sys.argv[1]))
version = get_version(project.registry, sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
try:
    promote.fn(version, expected="1", reason="better", stores=project.stores)
    print("won")
except ChampionChanged:
    print("lost")
"""


@pytest.mark.slow
def test_of_processes_with_the_same_expectation_exactly_one_wins(project):
    raise_champion(project, 1, None)
    given = json.dumps(project.model_dump(mode="json", context={"include_secrets": True}))
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL, given, number],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in ("2", "3")
    ]
    for rival in rivals:
        assert rival.stdout
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin
        rival.stdin.write("\n")
        rival.stdin.flush()
    answers = [rival.communicate(timeout=60)[0].strip() for rival in rivals]
    assert sorted(answers) == ["lost", "won"]
    winner = ("2", "3")[answers.index("won")]
    assert champion(project) == winner
    assert history(project) == [("1", winner), (None, "1")]


@pytest.mark.parametrize(
    ("kind", "before", "left"),
    [("promotion", False, "1"), ("activation", True, "2"), ("activation", False, "2")],
)
def test_an_interrupted_promotion_is_finished_when_it_is_repeated(
    project, monkeypatch, kind, before, left
):
    raise_champion(project, 1, None)
    with monkeypatch.context() as patch:
        kill_at(patch, kind, before=before)
        with pytest.raises(Killed):
            raise_champion(project, 2, 1)
    assert champion(project) == left
    raise_champion(project, 2, 1)
    assert champion(project) == "2"
    assert history(project) == [("1", "2"), (None, "1")]


def test_an_interrupted_promotion_is_finished_by_the_next_one_which_then_comes_too_late(
    project, monkeypatch
):
    raise_champion(project, 1, None)
    with monkeypatch.context() as patch:
        kill_at(patch, "promotion")
        with pytest.raises(Killed):
            raise_champion(project, 2, 1)
    with pytest.raises(ChampionChanged, match="expected version 1 to be the champion, found 2"):
        raise_champion(project, 3, 1)
    assert champion(project) == "2"
    raise_champion(project, 3, 2)
    assert history(project) == [("2", "3"), ("1", "2"), (None, "1")]


def test_a_promotion_that_was_only_slow_does_not_undo_the_next_one(project, monkeypatch):
    raise_champion(project, 1, None)
    waiting, go = threading.Event(), threading.Event()
    original = MlflowClient.set_registered_model_alias

    def slow(self, name, alias, number):
        if number == "2" and threading.current_thread().name == "slow":
            waiting.set()
            go.wait(30)
        original(self, name, alias, number)

    monkeypatch.setattr(MlflowClient, "set_registered_model_alias", slow)
    thread = threading.Thread(target=raise_champion, args=(project, 2, 1), name="slow")
    thread.start()
    assert waiting.wait(30)
    # The next promotion takes the slow one for dead and finishes it.
    with pytest.raises(ChampionChanged):
        raise_champion(project, 3, 1)
    raise_champion(project, 3, 2)
    go.set()
    thread.join(30)
    assert champion(project) == "3"
    assert history(project)[0] == ("2", "3")


def test_a_person_who_moved_the_alias_is_respected(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    move_by_hand(project, 1)
    # What was promoted before they chose does not come back by itself.
    raise_champion(project, 2, 1)
    assert champion(project) == "1"
    # What was compared with another champion than theirs is refused.
    with pytest.raises(ChampionChanged, match="found 1"):
        raise_champion(project, 3, 2)
    assert champion(project) == "1"
    # What beat their choice replaces it.
    raise_champion(project, 3, 1)
    assert champion(project) == "3"
    assert history(project)[0] == ("1", "3")


def test_a_version_that_beats_a_persons_choice_comes_back_though_it_was_promoted_last(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    move_by_hand(project, 4)
    raise_champion(project, 2, 4)
    assert champion(project) == "2"
    assert history(project)[0] == ("4", "2")


def test_a_champion_that_a_person_took_away_stays_away(project):
    raise_champion(project, 1, None)
    project.registry.get_client().delete_registered_model_alias("calls", "champion")
    with pytest.raises(ChampionChanged, match="found None"):
        raise_champion(project, 2, 1)
    raise_champion(project, 2, None)
    assert champion(project) == "2"


def test_an_interrupted_promotion_of_a_version_that_was_deleted_holds_nobody_up(
    project, monkeypatch
):
    kill_at(monkeypatch, "promotion")
    with pytest.raises(Killed):
        raise_champion(project, 1, None)
    monkeypatch.undo()
    project.registry.get_client().delete_model_version("calls", "1")
    raise_champion(project, 2, None)
    assert champion(project) == "2"
    raise_champion(project, 3, 2)
    assert history(project)[0] == ("2", "3")


def test_the_first_version_of_a_model_that_was_deleted_and_made_again_is_promoted(project):
    raise_champion(project, 1, None)
    client = project.registry.get_client()
    client.delete_registered_model("calls")
    client.create_registered_model("calls")
    client.create_model_version("calls", "file:///nowhere")
    raise_champion(project, 1, None)
    assert champion(project) == "1"
    assert history(project) == [(None, "1"), (None, "1")]


def test_rolling_back_brings_the_champion_before(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    result = roll_back.fn(reason="complaints from sales", **project.arguments(roll_back))
    assert (result.version, result.aliases) == ("1", ["champion"])
    newest = promotion_log(project.stores)[0]
    assert (newest["previous"], newest["version"]) == ("2", "1")
    assert newest["reason"] == "rolled back: complaints from sales"
    # The next training is compared with the champion as it is now.
    raise_champion(project, 3, 1)
    assert champion(project) == "3"


def test_rolling_back_to_a_named_version_brings_that_one(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    raise_champion(project, 3, 2)
    assert roll_back.fn(to="1", **project.arguments(roll_back)).version == "1"
    assert champion(project) == "1"


def test_rolling_back_works_from_a_persons_choice_too(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    move_by_hand(project, 5)
    roll_back.fn(to="2", **project.arguments(roll_back))
    assert history(project)[0] == ("5", "2")


def test_rolling_back_again_goes_one_further_back_and_never_to_the_bad_version(project):
    for number, expected in ((1, None), (2, 1), (3, 2)):
        raise_champion(project, number, expected)
    assert roll_back.fn(**project.arguments(roll_back)).version == "2"
    assert roll_back.fn(**project.arguments(roll_back)).version == "1"
    with pytest.raises(ConfigurationError, match="before version 1 that was not rolled back from"):
        roll_back.fn(**project.arguments(roll_back))
    assert champion(project) == "1"
    # Promoted again after that, it is a champion like another.
    raise_champion(project, 3, 1)
    raise_champion(project, 4, 3)
    assert roll_back.fn(**project.arguments(roll_back)).version == "3"


def test_a_bad_version_comes_back_only_by_its_name(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    roll_back.fn(**project.arguments(roll_back))
    assert roll_back.fn(to="2", **project.arguments(roll_back)).version == "2"
    assert champion(project) == "2"


def test_rolling_back_to_the_champion_changes_nothing(project):
    raise_champion(project, 1, None)
    raise_champion(project, 2, 1)
    for _ in range(3):
        assert roll_back.fn(to="1", **project.arguments(roll_back)).version == "1"
    assert history(project) == [("2", "1"), ("1", "2"), (None, "1")]


@pytest.mark.parametrize(
    ("kind", "before"), [("promotion", False), ("activation", True), ("activation", False)]
)
def test_a_roll_back_that_died_is_the_same_one_when_it_is_repeated(
    project, monkeypatch, kind, before
):
    for number, expected in ((1, None), (2, 1), (3, 2)):
        raise_champion(project, number, expected)
    with monkeypatch.context() as patch:
        kill_at(patch, kind, before=before)
        with pytest.raises(Killed):
            roll_back.fn(intent="ticket 7", **project.arguments(roll_back))
    for _ in range(2):
        assert roll_back.fn(intent="ticket 7", **project.arguments(roll_back)).version == "2"
    assert champion(project) == "2"
    assert roll_back.fn(intent="ticket 8", **project.arguments(roll_back)).version == "1"


def test_a_roll_back_that_died_before_the_alias_moved_needs_no_name(project, monkeypatch):
    for number, expected in ((1, None), (2, 1), (3, 2)):
        raise_champion(project, number, expected)
    with monkeypatch.context() as patch:
        kill_at(patch, "promotion")
        with pytest.raises(Killed):
            roll_back.fn(**project.arguments(roll_back))
    assert champion(project) == "3"
    assert roll_back.fn(**project.arguments(roll_back)).version == "2"
    assert champion(project) == "2"


def test_rolling_back_needs_somewhere_to_go(project):
    with pytest.raises(ConfigurationError, match="name a version in `to`"):
        roll_back.fn(**project.arguments(roll_back))
    raise_champion(project, 1, None)
    with pytest.raises(ConfigurationError, match="had no champion before"):
        roll_back.fn(**project.arguments(roll_back))
    with pytest.raises(ModelUnavailable, match="no version 77"):
        roll_back.fn(to="77", **project.arguments(roll_back))
    assert champion(project) == "1"
    assert history(project) == [(None, "1")]


def test_rolling_back_an_interrupted_promotion_undoes_it(project, monkeypatch):
    raise_champion(project, 1, None)
    with monkeypatch.context() as patch:
        kill_at(patch, "promotion")
        with pytest.raises(Killed):
            raise_champion(project, 2, 1)
    roll_back.fn(**project.arguments(roll_back))
    assert champion(project) == "1"
    assert history(project) == [("2", "1"), ("1", "2"), (None, "1")]


def test_the_log_of_one_project_is_not_that_of_another(project, make_project):
    raise_champion(project, 1, None)
    other = make_project(
        name="other",
        registry=ModelRegistry(
            tracking_uri=project.registry.tracking_uri.get_secret_value(), model_name="other"
        ),
    )
    client = other.registry.get_client()
    client.create_registered_model("other")
    client.create_model_version("other", "file:///nowhere")
    assert promotion_log(other.stores) == []
    raise_champion(other, 1, None)
    assert [entry["sequence"] for entry in promotion_log(other.stores)] == [1]


def test_without_a_log_the_champion_is_untouched(project, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    cut_off = project.model_copy(
        update={"predictions": PredictionLog(uri=f"sqlite:///{blocked}/p.db")}
    )
    with pytest.raises(LogUnavailable):
        raise_champion(cut_off, 1, None)
    assert champion(project) is None


def test_without_a_registry_nothing_is_written(project, make_project):
    first = version(project, 1)
    gone = make_project(
        registry=ModelRegistry(tracking_uri="http://127.0.0.1:9", model_name="calls")
    )
    with pytest.raises(RegistryUnavailable):
        promote.fn(first, expected=None, reason="better", **gone.arguments(promote))
    assert promotion_log(project.stores) == []

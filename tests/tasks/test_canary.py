"""A challenger is judged on what both versions logged, once, and aliases move only as they were judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prefect_mlops.blocks import MLProject, PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import CanaryOutcome, CanaryVerdict
from prefect_mlops.core.settings import CanarySettings
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.storage.predictions import Prediction, Role
from prefect_mlops.storage.sqlite import SqliteStore
from prefect_mlops.tasks.canary import conclude_canary, judge_canary
from prefect_mlops.tasks.promotion import promote, roll_back
from support.candidates import with_mlflow

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTING = {"act": True, "latency_ratio": None}
QUICK = {"canary": ACTING, "gates": {"resamples": 300}}


class Killed(BaseException):
    """What a process is ended with in the middle of things."""


@pytest.fixture
def make_registered(make_project):
    """A function that makes a project with four versions: 1 is the champion, 2 the challenger."""

    def make(**overrides) -> MLProject:
        project = with_mlflow(make_project(**{**QUICK, **overrides}))
        client = project.registry.get_client()
        client.create_registered_model("calls")
        for _ in range(4):
            client.create_model_version("calls", "file:///nowhere")
        promote.fn(
            get_version(project.registry, "1"),
            expected=None,
            reason="first model",
            **project.arguments(promote),
        )
        name_challenger(project, "2")
        return project

    return make


@pytest.fixture
def project(make_registered) -> MLProject:
    return make_registered()


def name_challenger(project: MLProject, version: str) -> None:
    project.registry.get_client().set_registered_model_alias("calls", tags.CHALLENGER, version)


def alias(project: MLProject, name: str) -> str | None:
    found = find_version(project.registry, name)
    return found and found.version


def drawn(i: int) -> tuple[float, str]:
    """Return what a row is like, and its label."""
    rng = np.random.default_rng(i)
    odds = rng.normal(0, 2)
    return odds, "yes" if rng.random() < 1 / (1 + np.exp(-odds)) else "no"


def log(
    project: MLProject,
    version: str,
    role: Role,
    *,
    ids: range = range(400),
    start: datetime = START,
    quality: float = 2.0,
    labelled: bool = True,
    latency: float | None = 0.01,
    requests: bool = False,
    fails: Callable[[float], bool] = lambda _: False,
) -> None:
    """Log predictions, one a minute; the higher the quality, the better they are."""
    rows = []
    for i in ids:
        odds, label = drawn(i)
        blur = np.random.default_rng([i, int(version)]).normal(0, 1)
        yes = float(1 / (1 + np.exp(-(odds * quality / 2 + (2 - quality) * blur))))
        if fails(odds):
            asked = {"id": str(i), "model": "calls", "version": version, "role": role}
            at = start + timedelta(minutes=i)
            rows.append(Prediction(**asked, at=at, features={}, prediction=None))
            continue
        rows.append(
            Prediction(
                id=str(i),
                model="calls",
                version=version,
                at=start + timedelta(minutes=i),
                features={"strong": odds},
                prediction="yes" if yes > 0.5 else "no",
                score={"no": 1 - yes, "yes": yes},
                label=label if labelled else None,
                role=role,
                latency_seconds=latency,
                request=str(i) if requests else None,
            )
        )
    with project.predictions.get_client() as store:
        store.append(rows)


def shadow(project: MLProject, *, before: float, after: float, **options) -> None:
    log(project, "1", "champion", quality=before, **options)
    log(project, "2", "shadow", quality=after, **options)


def judged(project: MLProject, champion: str = "1", challenger: str = "2") -> CanaryVerdict:
    return judge_canary.fn(
        get_version(project.registry, champion),
        get_version(project.registry, challenger),
        **project.arguments(judge_canary),
    )


def concluded(project: MLProject, verdict: CanaryVerdict) -> CanaryOutcome:
    return conclude_canary.fn(verdict, **project.arguments(conclude_canary))


def records(project: MLProject) -> list[dict]:
    with project.predictions.get_client() as store:
        return [found for found in store.journal("canary", project.name) if "trial" in found]


def test_a_better_challenger_on_the_same_rows_is_promoted(project):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    assert (verdict.verdict, verdict.evidence, verdict.labelled) == ("promote", "shadow", 400)
    assert (verdict.start, verdict.end) == (START, START + timedelta(minutes=399))
    outcome = concluded(project, verdict)
    assert outcome.action == "promoted"
    assert (alias(project, "champion"), alias(project, "challenger")) == ("2", None)
    newest = promotion_log(project.stores)[0]
    assert (newest["version"], newest["previous"]) == ("2", "1")
    assert newest["reason"] == f"shadow: {verdict.reason}"
    kept = get_version(project.registry, "2").tags[tags.CANARY]
    assert CanaryVerdict.model_validate_json(kept) == verdict


def test_a_worse_challenger_on_its_share_of_the_requests_is_withdrawn(project):
    log(project, "1", "champion", ids=range(0, 4_000, 2), quality=2.0)
    log(project, "2", "challenger", ids=range(1, 1_600, 2), quality=0.2)
    verdict = judged(project)
    assert (verdict.verdict, verdict.evidence, verdict.labelled) == ("withdraw", "canary", 799)
    outcome = concluded(project, verdict)
    assert outcome.action == "withdrawn"
    assert (alias(project, "champion"), alias(project, "challenger")) == ("1", None)
    kept = get_version(project.registry, "2").tags[tags.CANARY]
    assert CanaryVerdict.model_validate_json(kept).reason == verdict.reason
    assert len(promotion_log(project.stores)) == 1
    # Once more, as after a crash.
    assert concluded(project, verdict) == outcome


def test_only_rows_of_the_two_versions_at_work_together_count(project):
    # Another challenger, another champion, and this champion before the challenger came.
    log(project, "3", "shadow", ids=range(100), quality=2.0)
    log(project, "1", "champion", ids=range(200), quality=0.2)
    log(project, "4", "champion", ids=range(200, 300), quality=0.2)
    log(project, "2", "shadow", ids=range(200, 700), quality=2.0)
    log(project, "1", "champion", ids=range(300, 600), quality=2.0)
    verdict = judged(project)
    assert verdict.start == START + timedelta(minutes=300)
    assert verdict.end == START + timedelta(minutes=699)
    assert (verdict.champion_rows, verdict.challenger_rows, verdict.labelled) == (300, 300, 300)
    assert verdict.verdict == "keep_watching"


@pytest.mark.parametrize("versions", ["", "1", "2"])
def test_without_predictions_of_both_it_is_watched(project, versions):
    if "1" in versions:
        log(project, "1", "champion")
    if "2" in versions:
        log(project, "2", "challenger")
    verdict = judged(project)
    assert (verdict.verdict, verdict.evidence, verdict.number) == ("keep_watching", None, None)
    assert concluded(project, verdict).action == "none"
    assert records(project) == []


def test_until_labels_arrive_it_is_watched_and_then_judged(project):
    shadow(project, before=0.5, after=2.0, labelled=False)
    waiting = judged(project)
    assert (waiting.verdict, waiting.labelled, waiting.look) == ("keep_watching", 0, None)
    assert "200 are missing" in waiting.reason
    with project.predictions.get_client() as store:
        store.attach_labels("calls", {str(i): drawn(i)[1] for i in range(400)})
    assert judged(project).look == 1


def test_the_same_data_is_one_look_and_the_same_verdict(project):
    shadow(project, before=2.0, after=2.0)
    first = judged(project)
    assert (first.verdict, first.look, first.number) == ("keep_watching", 1, 1)
    assert judged(project) == first
    # One more prediction without news for the metric is none either.
    log(project, "1", "champion", ids=range(400, 401))
    assert judged(project).look is None
    log(project, "1", "champion", ids=range(401, 500))
    log(project, "2", "shadow", ids=range(400, 500))
    assert judged(project).look == 2
    assert [found["look"] for found in records(project)] == [2, 1]


def test_a_decided_trial_stays_decided(project):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    log(project, "1", "champion", ids=range(400, 2_000), quality=2.0)
    log(project, "2", "shadow", ids=range(400, 2_000), quality=0.2)
    assert judged(project) == verdict
    other = project.model_copy(update={"canary": CanarySettings(margin=0.01, latency_ratio=None)})
    assert judged(other).verdict == "withdraw"


def test_runs_at_the_same_time_take_one_look(project):
    shadow(project, before=2.0, after=2.0)
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda _: judged(project), range(4)))
    assert len({verdict.judged_at for verdict in verdicts}) == 1
    assert len(records(project)) == 1


def test_of_two_looks_at_different_data_the_second_knows_of_the_first(project, monkeypatch):
    shadow(project, before=2.0, after=2.0)
    original = SqliteStore.record

    def record(self, kind, key, owner, document):
        if kind == "canary" and document.get("number") == 1:
            # Another run, which saw fewer labels, is quicker.
            other = {**document, "data": "of another run", "labelled": 300}
            original(self, kind, key, owner, other)
        return original(self, kind, key, owner, document)

    monkeypatch.setattr(SqliteStore, "record", record)
    verdict = judged(project)
    assert (verdict.number, verdict.look) == (2, 2)
    assert verdict.error == pytest.approx(0.05 / 6)
    assert [found["number"] for found in records(project)] == [2, 1]


def test_a_slow_challenger_is_withdrawn_before_labels_arrive(make_registered):
    project = make_registered(canary={"act": True})
    log(project, "1", "champion", labelled=False, latency=0.01)
    log(project, "2", "shadow", labelled=False, latency=0.05)
    verdict = judged(project)
    assert (verdict.verdict, verdict.latency_look) == ("withdraw", 1)
    assert "5 times as long" in verdict.reason
    assert concluded(project, verdict).action == "withdrawn"


def test_an_undecided_challenger_is_withdrawn_in_the_clock_of_the_predictions(project):
    shadow(project, before=2.0, after=2.0, labelled=False)
    assert judged(project).verdict == "keep_watching"
    # The challenger's traffic stopped; time goes on with the champion's.
    log(project, "1", "champion", ids=range(1), start=START + timedelta(days=15))
    log(project, "1", "champion", ids=range(400, 401), start=START + timedelta(days=15))
    verdict = judged(project)
    assert verdict.verdict == "withdraw"
    assert verdict.reason.startswith("undecided after 14 days")


def unsure(odds: float) -> bool:
    return abs(odds) < 1


@pytest.mark.parametrize("role", ["shadow", "challenger"])
def test_a_challenger_that_fails_on_hard_rows_is_not_promoted(project, role):
    # The champion answers what the challenger could not.
    champions = range(800) if role == "shadow" else range(1, 800, 2)
    log(project, "1", "champion", ids=champions, quality=1.9)
    if role == "challenger":
        hard = [i for i in range(2, 800, 2) if unsure(drawn(i)[0])]
        log(project, "1", "champion", ids=hard, quality=1.9)
    log(project, "2", role, ids=range(0, 800, 2), quality=2.0, fails=unsure)
    verdict = judged(project)
    assert verdict.verdict == "keep_watching"
    [answers] = [gate for gate in verdict.gates if gate.name == "answers"]
    assert answers.verdict == "failed"
    assert answers.value == pytest.approx(0.4, abs=0.1)
    assert f"of {verdict.challenger_rows} answers of the challenger failed" in answers.reason
    rows = 400 if role == "shadow" else 399  # It began before the champion.
    assert (verdict.champion_rows, verdict.challenger_rows) == (400, rows)
    log(project, "1", "champion", ids=range(800, 801), start=START + timedelta(days=15))
    log(project, "2", role, ids=range(800, 801), start=START + timedelta(days=15))
    assert judged(project).verdict == "withdraw"


@pytest.mark.parametrize("role", ["shadow", "challenger"])
def test_a_challenger_that_always_fails_is_withdrawn_in_time(project, role):
    log(project, "1", "champion", ids=range(800) if role == "shadow" else range(1, 800, 2))
    log(project, "2", role, ids=range(0, 800, 2), fails=lambda _: True)
    verdict = judged(project)
    rows = 400 if role == "shadow" else 399  # It began before the champion.
    assert (verdict.verdict, verdict.labelled) == ("keep_watching", 0)
    assert verdict.challenger_rows == rows
    log(project, "1", "champion", ids=range(800, 801), start=START + timedelta(days=15))
    verdict = judged(project)
    assert verdict.verdict == "withdraw"
    assert f"{rows} of {rows} answers of the challenger failed" in verdict.reason


def test_rows_that_no_request_asked_for_are_not_compared_with_requests(project):
    log(project, "1", "champion", ids=range(1, 800, 2), requests=True)
    log(project, "2", "challenger", ids=range(0, 800, 2), requests=True)
    log(project, "1", "champion", ids=range(800, 1_200), quality=0.2)
    verdict = judged(project)
    assert (verdict.champion_rows, verdict.challenger_rows) == (400, 399)


@pytest.mark.parametrize("quality", [0.2, 2.0])
def test_by_default_a_verdict_is_only_reported(make_registered, quality):
    project = make_registered(canary={})
    shadow(project, before=1.0, after=quality)
    verdict = judged(project)
    assert verdict.final
    outcome = concluded(project, verdict)
    assert outcome.action == "none"
    assert "canary.act is off" in outcome.reason
    assert (alias(project, "champion"), alias(project, "challenger")) == ("1", "2")
    assert tags.CANARY not in get_version(project.registry, "2").tags


def test_after_another_promotion_nothing_happens(project):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    promote.fn(
        get_version(project.registry, "3"),
        expected="1",
        reason="trained",
        **project.arguments(promote),
    )
    outcome = concluded(project, verdict)
    assert outcome.action == "none"
    assert "the champion is version 3 by now, version 1 was judged" in outcome.reason
    assert (alias(project, "champion"), alias(project, "challenger")) == ("3", "2")


@pytest.mark.parametrize("quality", [0.2, 2.0])
@pytest.mark.parametrize("now", ["3", None])
def test_after_another_challenger_was_named_nothing_happens(project, quality, now):
    shadow(project, before=1.0, after=quality)
    verdict = judged(project)
    if now:
        name_challenger(project, now)
    else:
        project.registry.get_client().delete_registered_model_alias("calls", "challenger")
    outcome = concluded(project, verdict)
    assert outcome.action == "none"
    assert f"the challenger is {'version 3' if now else 'nobody'} by now" in outcome.reason
    assert (alias(project, "champion"), alias(project, "challenger")) == ("1", now)


def test_a_promotion_that_comes_in_between_is_told(project, monkeypatch):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    original = SqliteStore.record

    def record(self, kind, *rest):
        if kind == "promotion":
            monkeypatch.setattr(SqliteStore, "record", original)
            promote.fn(
                get_version(project.registry, "3"),
                expected="1",
                reason="trained",
                **project.arguments(promote),
            )
        return original(self, kind, *rest)

    monkeypatch.setattr(SqliteStore, "record", record)
    outcome = concluded(project, verdict)
    assert outcome.action == "none"
    assert "another promotion came first" in outcome.reason
    assert alias(project, "champion") == "3"


def test_a_challenger_named_while_one_is_withdrawn_stays(project, monkeypatch):
    shadow(project, before=2.0, after=0.2)
    verdict = judged(project)
    client = project.registry.get_client()
    kind = type(client)
    original = kind.set_model_version_tag

    def tag(self, *arguments, **keywords):
        original(self, *arguments, **keywords)
        name_challenger(project, "3")

    monkeypatch.setattr(kind, "set_model_version_tag", tag)
    concluded(project, verdict)
    assert alias(project, "challenger") == "3"


@pytest.mark.parametrize("kind", ["promotion", "activation"])
def test_a_killed_promotion_is_finished(project, monkeypatch, kind):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    original = SqliteStore.record

    def record(self, found, *rest):
        taken = original(self, found, *rest)
        if found == kind:
            raise Killed
        return taken

    monkeypatch.setattr(SqliteStore, "record", record)
    with pytest.raises(Killed):
        concluded(project, verdict)
    monkeypatch.setattr(SqliteStore, "record", original)
    assert concluded(project, judged(project)).action == "promoted"
    assert (alias(project, "champion"), alias(project, "challenger")) == ("2", None)
    assert len(promotion_log(project.stores)) == 2


def test_a_killed_withdrawal_is_finished(project, monkeypatch):
    shadow(project, before=2.0, after=0.2)
    verdict = judged(project)
    kind = type(project.registry.get_client())
    original = kind.delete_registered_model_alias

    def die(*_):
        raise Killed

    monkeypatch.setattr(kind, "delete_registered_model_alias", die)
    with pytest.raises(Killed):
        concluded(project, verdict)
    monkeypatch.setattr(kind, "delete_registered_model_alias", original)
    assert alias(project, "challenger") == "2"
    assert concluded(project, judged(project)).action == "withdrawn"
    assert alias(project, "challenger") is None


def test_a_promotion_that_was_undone_is_not_repeated(project):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    concluded(project, verdict)
    roll_back.fn(reason="complaints", **project.arguments(roll_back))
    name_challenger(project, "2")
    again = judged(project)
    assert again == verdict
    outcome = concluded(project, again)
    assert outcome.action == "none"
    assert "promoted already, as number 2" in outcome.reason
    assert (alias(project, "champion"), alias(project, "challenger")) == ("1", "2")


def test_an_alias_that_a_person_moved_back_stays(project):
    shadow(project, before=0.5, after=2.0)
    verdict = judged(project)
    concluded(project, verdict)
    project.registry.get_client().set_registered_model_alias("calls", "champion", "1")
    name_challenger(project, "2")
    outcome = concluded(project, verdict)
    assert (outcome.action, alias(project, "champion")) == ("none", "1")
    assert "moved by hand" in outcome.reason


def test_without_a_log_nothing_is_decided(project, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    cut_off = project.model_copy(
        update={"predictions": PredictionLog(uri=f"sqlite:///{blocked}/p.db")}
    )
    with pytest.raises(LogUnavailable):
        judged(cut_off)


def test_of_many_predictions_a_sample_is_read(make_registered):
    project = make_registered(canary={**ACTING, "maximum_rows": 1_000})
    log(project, "1", "champion", ids=range(4_000), labelled=False)
    log(project, "2", "shadow", ids=range(1_500), labelled=False)
    verdict = judged(project)
    # Every shadowed row that was read has its champion's.
    assert verdict.champion_rows == verdict.challenger_rows == pytest.approx(1_000, rel=0.15)
    assert verdict.end == START + timedelta(minutes=3_999)


def test_a_log_on_mongodb_gives_the_same_verdict(project, mongodb_uri):
    elsewhere = PredictionLog(uri=mongodb_uri, collection=f"canary_{uuid.uuid4().hex[:8]}")
    there = project.model_copy(update={"predictions": elsewhere})
    verdicts = []
    for place in (project, there):
        shadow(place, before=0.5, after=2.0)
        log(place, "2", "challenger", ids=range(400, 500))
        verdicts.append(judged(place))
        assert judged(place) == verdicts[-1]
        assert len(records(place)) == 1
    assert verdicts[0].model_dump(exclude={"judged_at"}) == verdicts[1].model_dump(
        exclude={"judged_at"}
    )

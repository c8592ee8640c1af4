"""Going back goes back: to a champion that nobody went back from, and no version twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.registry.rollback import ROLLED_BACK, champion_before, is_rollback

VERSIONS = st.sampled_from("123456")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("promote"), VERSIONS),
        st.tuples(st.just("by hand"), VERSIONS),
        st.tuples(st.just("roll back to"), VERSIONS),
        st.tuples(st.just("roll back"), st.none()),
    ),
    max_size=30,
)


def play(steps) -> tuple[list[dict], str | None]:
    """Return the promotion log and the champion after some steps, which are checked on the way."""
    log: list[dict] = []
    champion = None
    for step, named in steps:
        version, reason = named, "better"
        if step == "by hand":
            champion = version
            continue
        if step == "roll back":
            version = champion_before(log, champion)
            check(log, champion, version)
        if version is None or version == champion:
            continue
        if step != "promote":
            reason = f"{ROLLED_BACK}complaints"
        log.append({"previous": champion, "version": version, "reason": reason})
        champion = version
    return log, champion


def bad(log) -> set[str]:
    """Versions that were rolled back from and that nobody made the champion since then."""
    found: set[str] = set()
    for entry in log:
        if is_rollback(entry) and entry["previous"]:
            found.add(entry["previous"])
        found.discard(entry["version"])
    return found


def check(log, champion, target) -> None:
    assert target is None or target != champion
    assert target not in bad(log)
    assert target is None or any(target in (e["version"], e["previous"]) for e in log)


@given(STEPS)
def test_it_never_returns_to_a_version_that_was_rolled_back_from(steps):
    log, champion = play(steps)
    check(log, champion, champion_before(log, champion))


@given(STEPS)
def test_over_and_over_it_goes_through_other_versions_and_ends(steps):
    log, champion = play(steps)
    seen = [champion]
    while (target := champion_before(log, champion)) is not None:
        assert target not in seen
        seen.append(target)
        log.append({"previous": champion, "version": target, "reason": f"{ROLLED_BACK}again"})
        champion = target
    assert len(seen) <= 7


@given(st.lists(VERSIONS, unique=True, min_size=1))
def test_it_undoes_promotions_in_reverse(versions):
    log, champion = play([("promote", version) for version in versions])
    for expected in [*reversed(versions[:-1]), None]:
        target = champion_before(log, champion)
        assert target == expected
        log.append({"previous": champion, "version": target, "reason": ROLLED_BACK})
        champion = target


def test_what_a_person_chose_is_left_for_the_champion_before_it():
    log, _ = play([("promote", "1"), ("promote", "2")])
    assert champion_before(log, "5") == "2"
    assert champion_before(log, "1") is None
    assert champion_before(log, None) == "2"
    assert champion_before([], "1") is None

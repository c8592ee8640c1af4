"""What a card says became of a version is what the promotion log and the aliases say, not only its training."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect_mlops.core.results import Approval, ModelVersion
from prefect_mlops.core.settings import CardSettings, Columns
from prefect_mlops.evidence.card import card_markdown
from prefect_mlops.evidence.card_facts import CardFacts
from prefect_mlops.evidence.card_standing import approver, standing

MADE = {"version": "3", "previous": "2", "reason": "canary: better", "at": "2026-06-01T12:00:00"}
LEFT = {"version": "4", "previous": "3", "reason": "better", "at": "2026-07-01T12:00:00"}
BACK = {"version": "3", "previous": "4", "reason": "rolled back: no", "at": "2026-08-01T09:00:00"}
UNREAD = {"reason": "the promotion log could not be read: gone"}


def facts(
    *moves: dict[str, Any],
    outcome: str | None = "challenger",
    aliases: tuple[str, ...] = (),
    **given: Any,
) -> CardFacts:
    uri = "models:/calls/3"
    return CardFacts(
        version=ModelVersion(name="calls", version="3", run_id="r", uri=uri, aliases=list(aliases)),
        created=datetime(2026, 5, 1, tzinfo=UTC),
        said=CardSettings(),
        columns=Columns(target="y"),
        task_type="binary",
        metric="log_loss",
        outcome=outcome,
        moves=list(moves),
        **given,
    )


CANARY = "Its training did not promote it. It became the champion on 2026-06-01 12:00 UTC: canary: better."
STORIES = {
    "never promoted": (
        facts(),
        "It was registered, and not promoted when this card was written.",
    ),
    "the challenger": (
        facts(aliases=("challenger",)),
        "It was registered, and not promoted when this card was written, and the challenger then.",
    ),
    "promoted by its training": (
        facts(MADE, outcome="promoted", aliases=("champion",)),
        "It passed every deciding gate and became the champion.",
    ),
    "promoted later": (facts(MADE, aliases=("champion",)), CANARY),
    "promoted later, and replaced": (
        facts(MADE, LEFT),
        f"{CANARY} Version 4 replaced it on 2026-07-01 12:00 UTC.",
    ),
    "gone back to": (
        facts(MADE, LEFT, BACK, outcome="promoted", aliases=("champion",)),
        "It passed every deciding gate and became the champion. It became the champion again on 2026-08-01 09:00 UTC: "
        "rolled back: no.",
    ),
    "by hand": (
        facts(aliases=("champion",)),
        "Its training did not promote it. The alias champion was on it when this card was written, by no promotion.",
    ),
    "taken away by hand": (
        facts(MADE),
        f"{CANARY} The alias champion was not on it when this card was written.",
    ),
    "nobody can tell": (
        facts(UNREAD),
        "Its training did not promote it; whether anybody did later is not known, as the promotion log could not be "
        "read.",
    ),
    "the champion, and nobody can tell since when": (
        facts(UNREAD, aliases=("champion",)),
        "Its training did not promote it.",
    ),
    "not recorded": (facts(outcome=None), "How its training ended was not recorded."),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_card_says_what_became_of_its_version(story):
    given, said = STORIES[story]
    assert standing(given) == said
    assert f"\n> {said}\n" in card_markdown(given)


def test_an_adopted_version_that_was_replaced_says_both():
    said = standing(facts(MADE, LEFT, outcome="promoted", adopted=True))
    assert "trained elsewhere and adopted" in said
    assert said.endswith("Version 4 replaced it on 2026-07-01 12:00 UTC.")


def test_reasons_are_those_of_the_training():
    text = card_markdown(facts(MADE, aliases=("champion",), reasons=["superiority: not surely"]))
    assert "Why its training did not promote it:\n\n- superiority: not surely" in text


def test_whoever_approved_a_move_is_named_with_the_reason():
    answer = {
        "decision": "approved",
        "reason": "the <board> agrees",
        "by": "Ann",
        "through": "command line",
        "decided_at": datetime(2026, 6, 1, tzinfo=UTC),
    }
    kept = Approval.model_validate(answer).model_dump(mode="json")
    assert approver({**MADE, "approval": kept}) == (
        "approved by Ann (command line): the \\<board\\> agrees"
    )
    assert approver(MADE) == approver({**MADE, "approval": None}) == "nobody was asked"
    assert "Ann" in approver({**MADE, "approval": {"by": "Ann"}})

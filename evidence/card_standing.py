"""Says what became of a version: how its training ended, and what the promotion log and the aliases say since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..core import tags
from ..core.results import Approval
from .card_facts import CardFacts
from .markdown import plain

NOBODY = "nobody was asked"


def standing(facts: CardFacts) -> str:
    """Return what became of a version, as Markdown.

    The tag with its training's outcome is never written again, so what came later is taken from the promotion log and
    from the alias.

    Args:
        facts: What is known of it.

    Returns:
        Sentences that stay true: what may change later is said of the moment when the card was written.
    """
    number = facts.version.version
    champion = tags.CHAMPION in facts.version.aliases
    moves = [move for move in facts.moves if "version" in move]
    unread = len(moves) < len(facts.moves)
    made = [move for move in moves if move["version"] == number]
    said = [_ending(facts, ever=champion or bool(made), unread=unread)]
    if made and not (facts.outcome == "promoted" and len(made) == 1):
        move, again = made[-1], " again" if len(made) > 1 else ""
        said.append(
            f"It became the champion{again} on {moment(move)} UTC: {plain(move.get('reason'))}."
        )
    left = bool(moves) and moves[-1]["version"] != number
    if left:
        move = moves[-1]
        said.append(f"Version {plain(move['version'])} replaced it on {moment(move)} UTC.")
    if champion and (left or not made) and not unread:
        said.append("The alias champion was on it when this card was written, by no promotion.")
    elif not champion and not left and (made or facts.outcome == "promoted"):
        said.append("The alias champion was not on it when this card was written.")
    return " ".join(said)


def _ending(facts: CardFacts, *, ever: bool, unread: bool) -> str:
    if facts.adopted:
        return "It was trained elsewhere and adopted; what follows is what it scored on rows that were given here."
    if facts.outcome == "promoted":
        return "It passed every deciding gate and became the champion."
    if facts.outcome != tags.CHALLENGER:
        return "How its training ended was not recorded."
    if ever:
        return "Its training did not promote it."
    if unread:
        return (
            "Its training did not promote it; whether anybody did later is not known, as the promotion log could not "
            "be read."
        )
    there = tags.CHALLENGER in facts.version.aliases
    as_what = ", and the challenger then" if there else ""
    return f"It was registered, and not promoted when this card was written{as_what}."


def moment(move: Mapping[str, Any]) -> str:
    """Return when a move of the promotion log was made (UTC), to the minute."""
    return plain(str(move.get("at", ""))[:16].replace("T", " "))


def approver(move: Mapping[str, Any]) -> str:
    """Return who approved a move of the promotion log, and why, as Markdown.

    Args:
        move: An entry of the log.

    Example:
        >>> approver({"version": "2"})
        'nobody was asked'
    """
    given = move.get("approval")
    if not given:
        return NOBODY
    try:
        return plain(Approval.model_validate(given).sentence)
    except ValidationError:
        # Shown as it is: whoever approved must not be lost for a field that is unknown here.
        return plain(given)

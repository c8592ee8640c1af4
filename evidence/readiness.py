"""Scores a project by the ML Test Score: what the package sees, and what people attest."""

from __future__ import annotations

from datetime import timedelta

from ..core.results import ReadinessCheck, ReadinessReport
from ..core.settings import Attestation, ReadinessSettings
from ..core.settings.readiness import CHECK_IDS
from .markdown import code, number, plain, table
from .readiness_checks import RULES
from .readiness_facts import ReadinessFacts
from .readiness_findings import Finding
from .rubric import SECTIONS, TITLES, level_of, section_points

_POINTS = {0.0: "✗ 0", 0.5: "⚠ ½", 1.0: "✓ 1"}
_FOR_PEOPLE = "only people can say: attest it in readiness.attestations"


def assess(project: str, facts: ReadinessFacts, settings: ReadinessSettings) -> ReadinessReport:
    """Return the report of a project.

    Args:
        project: Its name.
        facts: What was found.
        settings: What people attest, and how old evidence may be.

    Returns:
        The 28 tests with their points and evidence. Of what the package sees and what a person attests, the
        better counts; an attestation that is too old, or of a day to come, does not.
    """
    checks = [_check(name, facts, settings) for name in CHECK_IDS]
    sections = section_points(checks)
    score = min(sections.values())
    return ReadinessReport(
        project=project,
        at=facts.now,
        checks=checks,
        sections=sections,
        score=score,
        level=level_of(score),
    )


def _check(name: str, facts: ReadinessFacts, settings: ReadinessSettings) -> ReadinessCheck:
    rule = RULES.get(name)
    seen = rule(facts, settings) if rule else Finding(0.0, [], _FOR_PEOPLE)
    attested = settings.attestations.get(name)
    said, points = _attested(attested, facts, settings) if attested else ([], 0.0)
    best = max(seen.points, points)
    by = "nobody"
    if best > 0:
        by = "package" if seen.points >= points else "person"
    todo = "" if best == 1.0 else seen.todo
    if points == 0.5 == best and seen.points < 0.5:
        todo = "let a system repeat it, and attest that"
    return ReadinessCheck(
        id=name,
        title=TITLES[name],
        points=best,
        by=by,
        evidence=[*seen.evidence, *said],
        todo=todo,
    )


def _attested(
    given: Attestation, facts: ReadinessFacts, settings: ReadinessSettings
) -> tuple[list[str], float]:
    said = f"{given.by} attests on {given.on.isoformat()}: {given.note}"
    today = facts.now.date()
    if given.on > today:
        return [f"{said} (not yet: the day is to come)"], 0.0
    if given.on < today - timedelta(days=settings.attested_days):
        return [f"{said} (expired: older than {settings.attested_days} days)"], 0.0
    return [said], 1.0 if given.automated else 0.5


def readiness_markdown(report: ReadinessReport) -> str:
    """Return a report as Markdown.

    Args:
        report: The report.

    Returns:
        The score, the four sums, and a table of tests a section.
    """
    lines = [
        f"# Readiness of {plain(report.project)}: {number(report.score)}",
        "",
        f"> ML Test Score {number(report.score)}: {plain(report.level)}.",
        ">",
        f"> The score is the smallest of four sums of 7 tests each. Assessed {report.at:%Y-%m-%d %H:%M} UTC.",
        "",
        *table(
            ["section", "points of 7"],
            [[plain(name), number(points)] for name, points in report.sections.items()],
            right=("points of 7",),
        ),
    ]
    for section, name in SECTIONS.items():
        rows = [
            [
                code(check.id),
                _POINTS[check.points],
                plain(check.title),
                _WHO[check.by],
                _sentences(check),
            ]
            for check in report.checks
            if check.id[0] == section
        ]
        names = ["test", "points", "what it asks for", "says", "evidence"]
        lines += [f"## {name}", *table(names, rows)]
    lines += [
        "## How it is scored",
        "",
        "Half a point for a test that a person did and wrote down, a whole one for a test that a system repeats. "
        "The package gives points for what it finds recorded; the rest people attest, with name and day. After "
        "Breck et al., *The ML Test Score*, IEEE Big Data 2017.",
    ]
    return "\n".join(lines) + "\n"


def _sentences(check: ReadinessCheck) -> str:
    said = [f"{text[:1].upper()}{text[1:]}." for text in check.evidence]
    todo = f"To do: {check.todo}." if check.todo else ""
    return " ".join([*map(plain, said), f"*{plain(todo)}*" if todo else ""]).strip()


def check_rows(report: ReadinessReport) -> list[dict[str, str]]:
    """Return the tests of a report as rows of a table.

    Args:
        report: The report.
    """
    return [
        {
            "test": check.id,
            "points": _POINTS[check.points],
            "asks for": check.title,
            "says": _WHO[check.by],
            "evidence": ". ".join(check.evidence),
            "to do": check.todo,
        }
        for check in report.checks
    ]


_WHO = {"package": "package", "person": "a person", "nobody": "nobody"}

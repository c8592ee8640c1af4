"""The 28 tests of the ML Test Score, and its arithmetic.

Breck, Cai, Nielsen, Salib and Sculley, *The ML Test Score: A Rubric for ML Production Readiness and Technical Debt
Reduction*, IEEE Big Data 2017, 1123-1132: seven tests each of data, model, infrastructure and monitoring. Half a
point for a test that a person did and wrote down, a whole one for a test that a system does again and again; the
score is the smallest of the four sums.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..core.results import ReadinessCheck
from ..core.settings.readiness import CHECK_IDS

SECTIONS = {
    "D": "Features and data",
    "M": "Model development",
    "I": "Infrastructure",
    "O": "Monitoring",
}

TITLES = dict(
    zip(
        CHECK_IDS,
        (
            "What is expected of features is in a schema",
            "Every feature is of use",
            "No feature costs more than it is worth",
            "Features keep to rules on what may be used",
            "Data is protected all along the pipeline",
            "A new feature can be added soon",
            "The code that makes features is tested",
            "Specifications of models are reviewed and versioned",
            "Metrics on held out rows go with what the business sees",
            "Hyperparameters are tuned",
            "What an old model costs is known",
            "A simpler model is not better",
            "Quality suffices on every important slice",
            "The model was tried for fairness",
            "Training can be repeated with the same result",
            "The specification of the model is unit tested",
            "The whole pipeline is integration tested",
            "Quality is judged before a model serves",
            "One example can be followed step by step",
            "A canary comes before full traffic",
            "Serving can go back to an earlier model",
            "Changes of what one depends on are announced",
            "Inputs keep to what they were in training",
            "Features are the same in training and serving",
            "Models are not too old",
            "Models stay numerically stable",
            "Speed and latency have not become worse",
            "Predictions have not become worse",
        ),
        strict=True,
    )
)

_LEVELS = (
    (0.0, "a research project rather than a production system"),
    (1.0, "not wholly untested, but serious holes in reliability are possible"),
    (2.0, "a first pass at productionising; more investment may be needed"),
    (3.0, "reasonably tested; more of the tests could be automated"),
    (5.0, "strongly tested and monitored: fit for mission-critical systems"),
)
_EXCEPTIONAL = "exceptionally tested and monitored"


def section_points(checks: Iterable[ReadinessCheck]) -> dict[str, float]:
    """Return the sum of points of each section.

    Args:
        checks: The 28 tests.

    Returns:
        Name of the section to 0 to 7.
    """
    sums = dict.fromkeys(SECTIONS, 0.0)
    for check in checks:
        sums[check.id[0]] += check.points
    return {name: sums[section] for section, name in SECTIONS.items()}


def level_of(score: float) -> str:
    """Return what the rubric says of a score.

    Args:
        score: The smallest sum of a section.

    Example:
        >>> level_of(0.5), level_of(7.0)
        ('not wholly untested, but serious holes in reliability are possible', 'exceptionally tested and monitored')
    """
    return next((said for most, said in _LEVELS if score <= most), _EXCEPTIONAL)

"""Writes the model card of a version: Markdown and one page, into MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ConfigurationError
from ..core.results import ModelCard, ModelScores, ModelVersion, Snapshot
from ..core.settings import CardSettings, GateSettings, default_metric
from ..registry.card_reading import card_facts
from ..registry.compared_models import named_model
from ..registry.run_files import read_file, read_result
from ..registry.run_logging import log_file
from ..registry.tracking import close_run, experiment_id, registry_errors
from ..registry.version_rows import rows_of
from ..registry.versions import get_version
from ..runs.run_logger import run_logger
from ..runs.step import step
from .measures import EXPLANATION, SCORES, measure_model

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType

CARD = "reports/model_card"
_PICTURE = "explanation.png"
_LINK = "Model card: "


@step("write the card of {version}")
def write_card(
    version: ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: GateSettings | None = None,
    card: CardSettings | None = None,
    seed: int = 0,
    stores: Stores,
) -> ModelCard:
    """Write the model card of a registered version, whoever registered it.

    It is made of what was recorded: the version's tags, its run, its reference, the promotion log. Scores that
    nobody took yet are taken now, where the workspace still has the rows. It goes into the version's run as
    `reports/model_card.md` and `.html`, and the version's description and its tag
    `prefect_mlops.card_uri` say where it is. Written again it is the same, unless something new was recorded,
    such as an approval.

    Args:
        version: The version: a result, its number, or a URI such as `models:/calls/3` or
            `models:/calls@champion`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: Confidence and resamples of the intervals. None: the defaults.
        card: What only people know. None: nothing is stated.
        seed: Seed of every draw.
        stores: Where the model's things are kept; registry and predictions are needed.

    Returns:
        Where the card is, and its text.

    Raises:
        ConfigurationError: If it is no version.
        DataRejected: If the model cannot score its rows.
        ModelUnavailable: If there is no such version.
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.

    Example:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.tasks import write_card

        project = MLProject.load("telemarketing")
        card = write_card.fn("models:/telemarketing@champion", **project.arguments(write_card))
        print(card.html_uri, card.not_stated)
        ```
    """
    from ..evidence.card import card_markdown
    from ..evidence.page import page_of

    card, metric = card or CardSettings(), metric or default_metric(task_type)
    found = _version(stores, version)
    run_id = _run_id(stores, found)
    scores = read_result(stores.registry, run_id, SCORES, ModelScores)
    if scores is None:
        scores = _measured(
            stores,
            found,
            columns=columns,
            task_type=task_type,
            metric=metric,
            settings=settings,
            card=card,
            seed=seed,
        )
        if scores is not None:
            content = scores.model_dump_json(indent=2).encode()
            log_file(stores.registry, run_id, content, SCORES)
    picture = read_file(stores.registry, run_id, EXPLANATION)
    facts = card_facts(
        found,
        scores,
        picture=_PICTURE if picture else None,
        said=card,
        columns=columns,
        task_type=task_type,
        metric=metric,
        stores=stores,
    )
    images = {_PICTURE: picture} if picture else {}
    text = card_markdown(facts)
    title = f"Model card: {found.name}, version {found.version}"
    markdown_uri = log_file(stores.registry, run_id, text.encode(), f"{CARD}.md")
    page = page_of(text, title=title, images=images)
    html_uri = log_file(stores.registry, run_id, page, f"{CARD}.html")
    _link(stores, found, html_uri)
    run_logger().info("the model card of version %s is %s", found.version, html_uri)
    return ModelCard(
        name=found.name,
        version=found.version,
        run_id=run_id,
        markdown_uri=markdown_uri,
        html_uri=html_uri,
        markdown=text,
        not_stated=facts.not_stated,
    )


def _version(stores: Stores, version: ModelVersion | str) -> ModelVersion:
    if isinstance(version, str) and version.isdecimal():
        return get_version(stores.registry, version)
    found = named_model(stores.registry, version, "version").version
    if found is None:
        raise ConfigurationError(
            f"version is {version!r}, which is no registered version: give a ModelVersion, a number, "
            "models:/name/version or models:/name@alias"
        )
    return found


def _run_id(stores: Stores, version: ModelVersion) -> str:
    """Return the run that the card goes into: the version's own, or one for cards of others' versions."""
    ours = tags.TRAINING_KEY in version.tags or tags.EVIDENCE_RUN_ID in version.tags
    if ours and version.run_id:
        return version.run_id
    known = version.tags.get(tags.CARD_RUN_ID)
    if known:
        return known
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        run = client.create_run(
            experiment_id(stores, client),
            tags={tags.CARD_URI: version.uri},
            run_name=f"card of version {version.version}",
        )
        run_id = run.info.run_id
        client.set_model_version_tag(version.name, version.version, tags.CARD_RUN_ID, run_id)
    close_run(stores.registry, run_id, "FINISHED")
    return run_id


def _measured(
    stores: Stores,
    version: ModelVersion,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: GateSettings | None,
    card: CardSettings,
    seed: int,
) -> ModelScores | None:
    rows = rows_of(stores, version)
    train, holdout = (
        part if isinstance(part, Snapshot) else None for part in (rows["training"], rows["holdout"])
    )
    if train is None and holdout is None:
        return None
    found = measure_model.fn(
        (train, holdout),
        version,
        columns=columns,
        task_type=task_type,
        metric=metric,
        settings=settings,
        card=card,
        seed=seed,
        registry=stores.registry,
    )
    why = [part for part in rows.values() if isinstance(part, str)]
    return found.model_copy(update={"missing": why})


def _link(stores: Stores, version: ModelVersion, html_uri: str) -> None:
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        client.set_model_version_tag(version.name, version.version, tags.CARD_URI, html_uri)
        known = client.get_model_version(version.name, version.version).description or ""
        kept = [line for line in known.splitlines() if not line.startswith(_LINK)]
        text = "\n".join(kept).rstrip()
        described = f"{text}\n\n{_LINK}`{html_uri}`".strip()
        client.update_model_version(version.name, version.version, description=described)

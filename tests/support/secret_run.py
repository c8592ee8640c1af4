"""Does everything that a project with secrets can do, and fails in every way: for `tests/test_secrets.py`.

Reads its settings as JSON from standard input, and prints whatever it is told: results, tracebacks,
`repr` and `str` of everything that holds a secret. Every log record goes to standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

logging.basicConfig(
    level=logging.DEBUG, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s"
)

from prefect_mlops.blocks import Dataset, MLProject
from prefect_mlops.core.tags import PROFILE_URI
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.registry.references import reference_of
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.serving.served_models import ServedModels, load_version
from prefect_mlops.serving.server_metrics import ServerMetrics
from prefect_mlops.serving.server_settings import ServerSettings
from prefect_mlops.tasks.extraction import extract
from pydantic import BaseModel, ValidationError


def say(*things: Any) -> None:
    sys.stdout.write(" ".join(map(str, things)) + "\n")


def show(thing: Any) -> None:
    """Print a thing in every form in which it may turn up in a log."""
    say(type(thing).__name__, repr(thing), str(thing))
    if isinstance(thing, BaseModel):
        say(thing.model_dump(), thing.model_dump(mode="json"), thing.model_dump_json())


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Expect a failure, and print it as a log would, its causes included."""
    try:
        yield
    except Exception as error:
        say(f"--- {what}: {error!r} {error} {error.args}")
        traceback.print_exception(error)
        if isinstance(error, ValidationError):
            say(error.errors(), error.json())
        logging.getLogger("a service").exception("failed: %s", what)
        return
    raise AssertionError(f"{what} did not fail")


def changed(settings: dict[str, Any], **parts: Any) -> MLProject:
    return MLProject(**{**settings, **parts})


def work(settings: dict[str, Any], datasets: dict[str, Any], folder: Path) -> MLProject:
    project = MLProject(**settings)
    project.save(project.name)
    show(train(project.name))
    rows = Dataset(**datasets["window"])
    show(score(project, rows))
    show(score(settings, rows))
    show(label(project, rows))
    show(monitor(project.name))
    with project.predictions.get_client() as store:
        show(store)
    with PredictionLogger(
        project.predictions.uri.get_secret_value(),
        project.registry.model_name,
        "1",
        collection=project.predictions.collection,
        spool=folder / "spool",
        redaction=project.redaction,
    ) as service:
        service.log({"strong": 1.0, "weak": 0.5, "job": "student"}, "yes", {"yes": 0.9, "no": 0.1})
        service.flush()
        show(service)
        show(service.counters())
    for part in (project, project.dataset, project.registry, project.predictions):
        show(part)
    show(project.redaction)
    return project


def wrong_registry(settings: dict[str, Any], wrong: dict[str, Any]) -> dict[str, Any]:
    return {**settings["registry"], "tracking_uri": next(iter(wrong["registries"].values()))}


def fail(settings: dict[str, Any], wrong: dict[str, Any], project: MLProject, folder: Path) -> None:
    # A flow is tried again: one of each kind takes long enough.
    for position, (what, predictions) in enumerate(wrong["predictions"].items()):
        with failing(f"log {what}"):
            broken = changed(settings, predictions=predictions)
            score(broken) if position == 0 else broken.predictions.get_client()
    for position, (what, source) in enumerate(wrong["sources"].items()):
        broken = changed(settings, dataset={**settings["dataset"], "source": source})
        with failing(f"rows, {what}"):
            train(broken) if position == 0 else extract.fn(**broken.arguments(extract))
    for position, (what, uri) in enumerate(wrong["registries"].items()):
        broken = changed(settings, registry={**settings["registry"], "tracking_uri": uri})
        with failing(f"registry {what}"):
            score(broken) if position == 0 else get_champion(broken.registry)
    champion = get_champion(project.registry)
    gone = champion.model_copy(update={"tags": {PROFILE_URI: f"runs:/{champion.run_id}/nowhere"}})
    with failing("a reference that is gone"):
        reference_of(project.registry, gone)
    for position, registry in enumerate(
        [project.registry, changed(settings, registry=wrong_registry(settings, wrong)).registry]
    ):
        for path in folder.rglob("MLmodel"):
            path.unlink()
        with failing(f"a model that is gone, or whose server is: {position}"):
            registry.load_model(champion.uri, "binary")
        served = {
            "tracking_uri": registry.tracking_uri.get_secret_value(),
            "model_name": registry.model_name,
        }
        with failing(f"a model server that cannot load its model: {position}"):
            load_version(ServerSettings.read(served, {}), champion.version)
        models = ServedModels(ServerSettings.read(served, {}), ServerMetrics(registry.model_name))
        models.refresh()
    for what, part in wrong["settings"].items():
        with failing(f"a block, {what}"):
            MLProject(**{**settings, **part})
        with failing(f"a flow of plain data, {what}"):
            score({**settings, **part})
    assignments: dict[str, Callable[[], None]] = {
        "uri": lambda: setattr(project.predictions, "uri", wrong["uri"]),
        "tracking uri": lambda: setattr(project.registry, "tracking_uri", wrong["uri"]),
        "url": lambda: setattr(project.dataset.source, "url", wrong["uri"].replace("://", " ")),
        "key": lambda: setattr(project.redaction, "key", [wrong["uri"]]),
    }
    for what, assign in assignments.items():
        with failing(f"a changed {what}"):
            assign()
    say(f"--- changed: {project!r}")
    with failing("a logger of a wrong uri"):
        PredictionLogger(wrong["uri"], "calls", "1")
    unreachable = PredictionLogger(
        next(iter(wrong["predictions"].values()))["uri"], "calls", "1", timeout_seconds=0.5
    )
    unreachable.log({"a": 1.0}, "yes", {"yes": 1.0})
    with failing("a logger whose database refuses"):
        unreachable.flush()
    show(unreachable)
    show(unreachable.counters())
    with failing("a logger that is closed"):
        unreachable.close()


def main() -> None:
    given = json.load(sys.stdin)
    folder = Path(given["folder"])
    os.chdir(folder)
    project = work(given["settings"], given["datasets"], folder)
    fail(given["settings"], given["wrong"], project, folder)
    say("--- everything was done")


if __name__ == "__main__":
    main()

"""Tells a person, by a function of the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..core.errors import ConfigurationError, NotificationFailed
from ..core.import_paths import load_function, raised_at
from ..core.results import Notice, Result
from ..core.secret_text import without_addresses
from ..runs.notices import notice_of
from ..runs.step import step


def _run_name(parameters: dict[str, Any]) -> str:
    by = parameters["by"]
    return f"notify {by if isinstance(by, str) else getattr(by, '__name__', type(by).__name__)}"


@step(_run_name, retry_on=NotificationFailed, retries=2, retry_delay_seconds=5)
def notify(about: Result, by: str | Callable[[Notice], object], model_name: str = "") -> None:
    """Tell a person of a result. The flows do it for every function in a project's `notifications`.

    Args:
        about: A `Notice`, or any result of a step: it is put into words.
        by: The function that tells, or its import path, `package.module:name`. It takes a `Notice` and
            returns nothing; False says that nobody was told.
        model_name: Registered model, for a result that does not name it.

    Raises:
        ConfigurationError: If the function cannot be imported or called, or is asynchronous.
        NotificationFailed: If it raises or returns False; tried again, twice. What it says is told without
            what an address may keep secret.

    Example:
        ```python
        from prefect import flow
        from prefect_mlops.tasks import measure_drift, notify


        @flow
        def watch(data, champion, project):
            report = measure_drift(data, champion, **project.arguments(measure_drift))
            if report.verdict == "failed":
                notify(report, by="my_alerts:to_slack", model_name=champion.name)
        ```
    """
    notifier = by if callable(by) else load_function(by, "notifier", "notify(notice) -> None")
    name = by if isinstance(by, str) else getattr(by, "__name__", type(by).__name__)
    try:
        answer = notifier(notice_of(about, model_name=model_name))
    except Exception as error:
        said = without_addresses(f"{type(error).__name__}: {error}")
        # Its own traceback would quote the address, and that of a webhook is its password.
        raise NotificationFailed(
            f"notifier {name!r} raised {said}{raised_at(error, __file__)}"
        ) from None
    if inspect.iscoroutine(answer):
        answer.close()
        raise ConfigurationError(
            f"notifier {name!r} is asynchronous, so nobody was told: define it with def"
        )
    if answer is False:
        raise NotificationFailed(f"notifier {name!r} returned False: nobody was told")

"""The backtest flow: what would have become of history under several policies."""

from __future__ import annotations

from prefect import flow
from prefect.futures import wait
from prefect.logging import get_run_logger

from ..backtest.policies import DEFAULT_POLICIES, Policy, policies_of
from ..blocks.dataset import Dataset
from ..blocks.project import MLProject
from ..core.results.backtest import Backtest, ReplayedStream
from ..runs.backtest_report import report_backtest
from ..tasks.backtesting import opened, replay_policy, train_candidate
from ..tasks.extraction import extract
from .project_flow import project_flow
from .projects import load_dataset, load_project, run_name


@project_flow
@flow(name="backtest", flow_run_name=lambda: run_name("backtest"), persist_result=False)
def backtest(  # noqa: PLR0917
    project: MLProject | str,
    dataset: Dataset | str | None = None,
    policies: list[str | Policy] | None = None,
    history_rows: int | None = None,
    label_delay_days: float = 0.0,
    window_days: float = 7.0,
    error_cost: float | None = None,
    retraining_cost: float | None = None,
) -> Backtest:
    """Replay history under several policies, with the code that decides and trains in production.

    Trainings are kept by content in the workspace: a second policy costs only what is new. They and the
    policies run on the flow's task runner. Nothing is registered, promoted or asked for.

    Args:
        project: The project, or the name its block was saved under.
        dataset: Rows in time order, with their labels: the name of a saved Dataset block, or the
            prediction log as a source. Empty: the project's own.
        policies: `never`, `always`, `every:K`, `drift`, `performance`, `governor`, or policies with edited
            settings. Empty: one of each.
        history_rows: Rows that the first model is trained on. Empty: half of them.
        label_delay_days: How long labels take, days.
        window_days: How long a window of `monitoring.window_rows` takes where there is no timestamp, days.
        error_cost: What one unit of the metric in one prediction costs, in a unit of your own.
        retraining_cost: What one retraining costs, in the same unit.

    Returns:
        What each policy would have come to, and the one to take.

    Raises:
        ConfigurationError: If a policy is unknown, only one of the costs is given, or the rows have no
            time order.
        DataRejected: If there are too few rows, or the first model cannot be trained.
        MLOpsError: Any other exception of this package, when a step could not run at all.

    Example:
        ```python
        from prefect_mlops.flows.backtesting import backtest

        result = backtest("telemarketing", policies=["never", "always", "governor"])
        print(result.recommendation)
        ```
    """
    from ..backtest.recommendation import check_costs, costs_of, recommend

    found = load_project(project)
    wanted = policies_of(DEFAULT_POLICIES if policies is None else policies)
    priced = check_costs(error_cost, retraining_cost)
    if dataset is not None:
        found = found.model_copy(update={"dataset": load_dataset(dataset, found)})
    snapshot = extract(**found.arguments(extract))
    replayed = ReplayedStream(
        snapshot=snapshot,
        history_rows=history_rows,
        label_delay_days=label_delay_days,
        window_days=window_days,
    )
    given = found.arguments(replay_policy)
    with opened(replayed, **given) as candidates:
        stream = candidates.stream
        due = {stream.history_rows}
        for policy in wanted:
            if policy.kind == "every":
                spans = stream.spans[policy.every - 1 :: policy.every]
                due |= {span.labelled for span in spans}
        wait([train_candidate.submit(replayed, rows, **given) for rows in sorted(due)])
        replays = [replay_policy.submit(replayed, policy, **given) for policy in wanted]
        done = [replay.result() for replay in replays]
    costs = costs_of(done, error_cost=priced[0], retraining_cost=priced[1]) if priced else []
    recommended, recommendation = recommend(done, costs, found.metric)
    result = Backtest(
        project=found.name,
        digest=snapshot.digest,
        metric=found.metric,
        history_rows=stream.history_rows,
        window_rows=stream.window_rows,
        replays=done,
        costs=costs,
        recommended=recommended,
        recommendation=recommendation,
    )
    result = report_backtest(found.open_workspace(), result)
    get_run_logger().info("%s", recommendation)
    return result

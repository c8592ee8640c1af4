"""The demo's summary: `summary.json` for programs, one table for people.

| part | holds |
| --- | --- |
| `WindowSummary` | one window: who served it, what was seen, decided and done about it |
| `Summary` | the whole stream, with counts and pooled losses made from the windows |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..core.errors import WorkspaceUnavailable
from ..core.results import Result, UtcDatetime, Verdict

Outcome = Literal["promoted", "challenger", "rejected", "none"]
REPAIRED = {
    "passed": "repaired",
    "failed": "not repaired",
    "not_run": "the next window tells",
}


class WindowSummary(Result):
    """One window of the stream.

    Attributes:
        first_row: Position of its first row in the stream.
        rows: Number of rows.
        start: First moment (UTC), inclusive.
        end: First moment after it (UTC).
        version: Version that served it.
        drift: Verdict on drift.
        drifted_importance: Importance of the columns that drifted, 0 to 1.
        drifted_columns: Columns that drifted, most important first.
        prediction_drifted: Whether the model's answers drifted.
        performance: Verdict on performance.
        log_loss: Log loss of the served predictions, or None without labels.
        static_log_loss: Log loss of the first model, never retrained, on the same rows, or None.
        promised: Log loss the served version had on rows it had not seen, over several periods, or None.
        action: What the governor decided.
        held_by: Which of its rules held a retraining back, or None.
        why: Why, in a few words.
        outcome: How the retraining it caused ended; `none` when it caused none.
        new_version: Version registered by that retraining, or None.
        repaired: Whether the new champion fixes this window; None when none was promoted.
        cause_id: Cause of the retraining, or None.
        monitoring_run_id: Prefect flow run that monitored it, or None.
        training_run_id: Prefect flow run of the retraining, or None.
    """

    first_row: int
    rows: int = Field(ge=1)
    start: UtcDatetime
    end: UtcDatetime
    version: str
    drift: Verdict
    drifted_importance: float = 0.0
    drifted_columns: list[str] = Field(default_factory=list)
    prediction_drifted: bool = False
    performance: Verdict = "not_run"
    log_loss: float | None = None
    static_log_loss: float | None = None
    promised: float | None = None
    action: Literal["retrain", "none", "hold", "stop"]
    held_by: str | None = None
    why: str = ""
    outcome: Outcome = "none"
    new_version: str | None = None
    repaired: Verdict | None = None
    cause_id: str | None = None
    monitoring_run_id: str | None = None
    training_run_id: str | None = None

    @property
    def reason(self) -> str:
        """Why it was decided so, in a few words."""
        return self.why or (self.held_by or "").replace("_", " ")


class Summary(Result):
    """The whole stream.

    Attributes:
        stream: What was played, in words.
        windows: In time order.
        retrainings: Windows that caused a retraining.
        promotions: Retrainings whose model became champion.
        held_back: Windows with something wrong that the governor held back.
        refused: Retrainings whose model did not become champion.
        pooled_log_loss: Log loss over all labelled rows as they were served, or None.
        static_log_loss: The same for the first model, never retrained, or None.
        seconds: Step to its wall time, seconds.
        prefect_ui: Address of Prefect's UI, or None once it is gone.
        mlflow_ui: Address of MLflow's UI, or None once it is gone.
    """

    stream: str
    windows: list[WindowSummary]
    retrainings: int = 0
    promotions: int = 0
    held_back: int = 0
    refused: int = 0
    pooled_log_loss: float | None = None
    static_log_loss: float | None = None
    seconds: dict[str, float] = Field(default_factory=dict)
    prefect_ui: str | None = None
    mlflow_ui: str | None = None

    @classmethod
    def of(
        cls,
        stream: str,
        windows: Sequence[WindowSummary],
        *,
        seconds: dict[str, float] | None = None,
        prefect_ui: str | None = None,
        mlflow_ui: str | None = None,
    ) -> Self:
        """Count and pool windows.

        A log loss is a mean over rows, so the pooled one is the windows' mean weighted by rows.

        Args:
            stream: What was played, in words.
            windows: In time order.
            seconds: Step to its wall time, seconds.
            prefect_ui: Address of Prefect's UI.
            mlflow_ui: Address of MLflow's UI.

        Returns:
            The summary.
        """
        retrained = [window for window in windows if window.action == "retrain"]
        return cls(
            stream=stream,
            windows=list(windows),
            retrainings=len(retrained),
            promotions=sum(window.outcome == "promoted" for window in retrained),
            held_back=sum(window.action in ("hold", "stop") for window in windows),
            refused=sum(window.outcome in ("challenger", "rejected") for window in retrained),
            pooled_log_loss=_pooled(windows, lambda window: window.log_loss),
            static_log_loss=_pooled(windows, lambda window: window.static_log_loss),
            seconds=seconds or {},
            prefect_ui=prefect_ui,
            mlflow_ui=mlflow_ui,
        )

    def write(self, folder: Path) -> Path:
        """Write `summary.json` into a folder and return its path.

        Raises:
            WorkspaceUnavailable: If it cannot be written.
        """
        path = folder / "summary.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")
        except OSError as error:
            raise WorkspaceUnavailable(f"cannot write {path}: {error}") from error
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `summary.json` from a folder.

        Raises:
            WorkspaceUnavailable: If it is missing or not a summary.
        """
        path = folder / "summary.json"
        try:
            return cls.model_validate_json(path.read_text("utf-8"))
        except (OSError, ValidationError) as error:
            raise WorkspaceUnavailable(
                f"cannot read {path}: {error}. Play the demo first"
            ) from error

    def render(self, console: Console) -> None:
        """Print one table, the pooled losses and the addresses.

        Args:
            console: Where to print; from 80 characters wide nothing is cut.
        """
        table = Table(
            title=f"Telemarketing stream: {self.stream}",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            pad_edge=False,
            show_edge=False,
        )
        table.add_column("rows", justify="right", no_wrap=True)
        table.add_column("by", justify="center", no_wrap=True)
        for name in ("drift", "log\nloss", "promised", "first\nmodel"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("decision, and why", min_width=15)
        table.add_column("what came of it", min_width=14)
        for window in self.windows:
            table.add_row(*_cells(window))
        console.print(table)
        console.print(
            f"[bold]{len(self.windows)}[/] windows, [bold]{self.retrainings}[/] retrainings: "
            f"[bold]{self.promotions}[/] promoted, [bold]{self.refused}[/] refused; "
            f"[bold]{self.held_back}[/] held back"
        )
        console.print(
            f"Pooled log loss [bold]{_number(self.pooled_log_loss)}[/], never retrained "
            f"[bold]{_number(self.static_log_loss)}[/]"
        )
        console.print(
            "drift: importance of the drifted columns; +p: the predictions drifted, too",
            style="dim",
        )
        for name, seconds in self.seconds.items():
            console.print(f"  {name}: {seconds:.1f} s", highlight=False)
        for name, address in (("Prefect", self.prefect_ui), ("MLflow", self.mlflow_ui)):
            if address is not None:
                # An address that wraps cannot be clicked.
                console.print(f"{name}: [link={address}]{address}[/link]", soft_wrap=True)


def _pooled(
    windows: Sequence[WindowSummary], loss_of: Callable[[WindowSummary], float | None]
) -> float | None:
    known = [(loss, window.rows) for window in windows if (loss := loss_of(window)) is not None]
    rows = sum(count for _, count in known)
    return sum(loss * count for loss, count in known) / rows if rows else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _cells(window: WindowSummary) -> list[Text | str]:
    drift_style = {"passed": "green", "failed": "red", "not_run": "yellow"}[window.drift]
    action_style = {"retrain": "bold cyan", "hold": "yellow", "stop": "bold red", "none": "dim"}
    # The answers may have drifted while no column did.
    predictions = " +p" if window.prediction_drifted else ""
    return [
        f"{window.first_row:,}",
        f"v{window.version}",
        Text(f"{window.drifted_importance:.2f}{predictions}", style=drift_style),
        Text(_number(window.log_loss), style="red" if window.performance == "failed" else ""),
        _number(window.promised),
        Text(_number(window.static_log_loss), style="dim"),
        Text(
            f"{window.action}: {window.why or (window.held_by or '').replace('_', ' ')}".rstrip(
                ": "
            ),
            style=action_style[window.action],
        ),
        _came_of_it(window),
    ]


def _came_of_it(window: WindowSummary) -> Text:
    if window.outcome == "none":
        return Text("")
    version = f" v{window.new_version}" if window.new_version else ""
    promoted = window.outcome == "promoted"
    said = f"{window.outcome}{version}"
    if window.repaired is not None:
        said += f", {REPAIRED[window.repaired]}"
    return Text(said, style="green" if promoted else "yellow")

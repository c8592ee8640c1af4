"""The `MLProject` block: one model's whole configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

from prefect.blocks.core import Block
from prefect.client.schemas.objects import BlockDocument
from pydantic import ConfigDict, Field, model_validator

from ..core.errors import ConfigurationError
from ..core.former_names import with_task_type
from ..core.import_paths import ImportPath, source_digests
from ..core.results import digest_of
from ..core.secret_input import unquoted, without_slug
from ..core.settings import (
    CanarySettings,
    CardSettings,
    DataSettings,
    GateSettings,
    MonitoringSettings,
    ReadinessSettings,
    ScoringSettings,
    Setup,
    TrainingSettings,
    default_metric,
)
from ..core.workspace import Workspace
from ..storage.redaction import Redaction
from .dataset import Dataset
from .links import DOCUMENTATION_URL, LOGO_URL
from .model_registry import ModelRegistry
from .prediction_log import PredictionLog
from .stores import Stores


class MLProject(Block):
    """One model's whole configuration. Every flow takes it and little else.

    Attributes:
        name: Short name; part of keys, tags and events.
        task_type: What the model predicts: `binary`, `multiclass` or `regression`.
        dataset: Rows to train on.
        registry: Where runs and models are kept.
        predictions: Where predictions are logged.
        workspace: Folder for snapshots, suites, profiles and reports.
        redaction: What of each column may be kept in the prediction log.
        notifications: Functions that tell people of verdicts and endings.

    Raises:
        pydantic.ValidationError: On construction, for unknown keys or settings that cannot work
            together.

    Example:
        Load a configured project and train:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.flows.training import train

        project = MLProject.load("BLOCK_NAME")
        outcome = train(project)
        ```
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    _block_type_name = "ML Project"
    _block_type_slug = "ml-project"
    _logo_url = LOGO_URL  # pyright: ignore[reportAssignmentType]
    _documentation_url = DOCUMENTATION_URL  # pyright: ignore[reportAssignmentType]

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,62}$",
        description="Short name of the project: lowercase letters, digits and dashes.",
        examples=["telemarketing"],
    )
    task_type: Literal["binary", "multiclass", "regression"] = Field(
        description="What the model predicts: one of two classes, one of several, or a number."
    )
    dataset: Dataset = Field(description="Rows to train on.")
    registry: ModelRegistry = Field(description="Where runs and models are kept.")
    predictions: PredictionLog = Field(description="Where predictions are logged.")
    workspace: str = Field(
        min_length=1,
        description="Folder for snapshots, suites, profiles and reports: a path or any fsspec URL.",
        examples=["/var/lib/mlops/telemarketing", "s3://bucket/telemarketing"],
    )
    data: DataSettings = Field(
        default_factory=DataSettings, description="Data validation and splitting."
    )
    training: TrainingSettings = Field(
        default_factory=TrainingSettings,
        description="Estimators, hyperparameter optimisation and fitting.",
    )
    gates: GateSettings = Field(
        default_factory=GateSettings, description="What a candidate must pass to be promoted."
    )
    monitoring: MonitoringSettings = Field(
        default_factory=MonitoringSettings, description="Drift, performance and the governor."
    )
    scoring: ScoringSettings = Field(
        default_factory=ScoringSettings, description="Which rows batch scoring refuses."
    )
    canary: CanarySettings = Field(
        default_factory=CanarySettings,
        description="When a challenger on live traffic is promoted or withdrawn.",
    )
    card: CardSettings = Field(
        default_factory=CardSettings,
        description="What only people know of the model, for its model card.",
    )
    readiness: ReadinessSettings = Field(
        default_factory=ReadinessSettings,
        description="What people attest, for the readiness report.",
    )
    notifications: list[ImportPath] = Field(
        default_factory=list,
        description="Who is told of verdicts and endings: `package.module:name` of functions that take a "
        "`Notice`.",
        examples=[["my_alerts:to_slack"]],
    )
    redaction: Redaction | None = Field(
        default=None,
        description="What of each column may be kept in the prediction log. Empty: everything.",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_named_today(cls, data: Any) -> Any:
        with unquoted():
            return with_task_type(without_slug(data))

    @classmethod
    def _from_block_document(cls, block_document: BlockDocument) -> Self:
        # Prefect writes over a document by adding to it: what the block was saved with under the former
        # name stays beside what it was saved with last.
        data = dict(block_document.data)
        if "task_type" in data:
            data.pop("task", None)
        return super()._from_block_document(block_document.model_copy(update={"data": data}))

    def model_post_init(self, context: Any, /) -> None:
        """Refuse settings that cannot work together."""
        super().model_post_init(context)
        from .project_checks import check_together

        with unquoted():
            check_together(self.setup, self.dataset, self.redaction)

    @property
    def metric(self) -> str:
        """Metric that tuning, comparison and monitoring use; lower is better."""
        return self.training.metric or default_metric(self.task_type)

    @property
    def refits(self) -> bool:
        """Whether the served model is fitted on all rows once its recipe passed every gate."""
        if self.training.refit is None:
            return self.dataset.columns.has_order
        return self.training.refit == "all_rows"

    @property
    def redacted(self) -> list[str]:
        """Features that are logged redacted: what the log holds of them is not what the model saw."""
        return self.redaction.features(self.dataset.columns) if self.redaction else []

    @property
    def stores(self) -> Stores:
        """Where the model's things are kept."""
        return Stores(self.name, self.registry, self.predictions, self.workspace)

    @property
    def setup(self) -> Setup:
        """How the model is trained, gated and watched."""
        return Setup(
            name=self.name,
            task_type=self.task_type,
            metric=self.metric,
            columns=self.dataset.columns,
            data=self.data,
            training=self.training,
            gates=self.gates,
            monitoring=self.monitoring,
            refits=self.refits,
        )

    def open_workspace(self) -> Workspace:
        """Return the workspace's file access."""
        return Workspace(self.workspace)

    def arguments(self, step: Callable[..., Any]) -> dict[str, Any]:
        """Return what a step reads of this configuration, by the names of its keywords.

        Args:
            step: A task of this package, or any function whose keywords are named and annotated like
                theirs: `columns`, `metric`, `stores`, `settings: GateSettings`.

        Returns:
            Values for the keywords that the configuration answers; the others are the caller's.

        Example:
            ```python
            from prefect_mlops.blocks import MLProject
            from prefect_mlops.tasks import split

            project = MLProject.load("BLOCK_NAME")
            parts = split(snapshot, **project.arguments(split))
            ```
        """
        from .arguments import arguments_of

        return arguments_of(self, step)

    def training_digest(self) -> str:
        """Return a digest of everything in the configuration that shapes a trained model.

        The source of own estimators, search spaces, feature steps and gates counts too; where trials run
        does not.
        """
        code = source_digests([*self.training.own_code, *self.gates.custom])
        return digest_of(
            {
                "name": self.name,
                # The field was called so: another text would be another digest of the same training.
                "task": self.task_type,
                "columns": self.dataset.columns.model_dump(mode="json"),
                "data": self.data.model_dump(mode="json"),
                "training": self.training.without_place().model_dump(mode="json"),
                # Who has the last word shapes no model: edited while a candidate waits, it is the same one.
                "gates": self.gates.model_dump(mode="json", exclude={"approval"}),
                # Half of a window is held out.
                "window_rows": self.monitoring.window_rows,
                **({"code": code} if code else {}),
            }
        )

    def configuration_digest(self) -> str:
        """Return a digest of what shapes trainings and decisions, an edited suite included.

        Returns:
            16 hexadecimal characters.
        """
        from ..validation.suites import read_suite

        try:
            suite = read_suite(self.data.suite)
        except ConfigurationError as error:
            # The training will fail with it; a suite that can be read again is another configuration.
            suite = {"unread": str(error)}
        return digest_of(
            {
                "training": self.training_digest(),
                "dataset": self.dataset.model_dump(mode="json"),
                "suite": suite,
                "monitoring": self.monitoring.model_dump(mode="json"),
            }
        )[:16]

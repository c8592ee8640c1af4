"""A training as somebody would write it by hand: one script, the same libraries, the same work as the flow `train`.

Its pipelines are those of the flow's recipes, and it runs the trials that the flow's study ran, so that both
fit the same models. It has no resume, no promotion by compare-and-set, no lineage and no rule that tells broken
rows from drifted ones.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect_mlops.training.recipes import build

TASK = "binary"
FOLDS, PERIODS, RESAMPLES = 3, 4, 2_000


@dataclass
class ByHand:
    """One training.

    Attributes:
        folder: Where its files go, MLflow's database too.
        seconds: Wall time of each step, by the names of the flow's.
    """

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def train(
        self,
        path: Path,
        *,
        target: str,
        clock: str,
        left_out: Sequence[str],
        holdout: int,
        suite: dict[str, Any],
        trials: list[tuple[str, dict[str, Any], int]],
    ) -> float:
        """Train, and return the log loss on the holdout.

        Args:
            path: Parquet file of the rows.
            target: Column to predict.
            clock: Column that orders the rows.
            left_out: Columns that are no features.
            holdout: Latest rows to hold out.
            suite: Expectations, in Great Expectations' JSON form.
            trials: Estimator, hyperparameters and folds that each trial came to.
        """
        import mlflow
        from sklearn.metrics import log_loss

        mlflow.set_tracking_uri(f"sqlite:///{self.folder}/mlflow.db")
        with self.step("extract"):
            frame = pd.read_parquet(path).sort_values(clock, kind="stable", ignore_index=True)
            frame.to_parquet(self.folder / "snapshot.parquet")
        with self.step("validate_data"):
            self._validate(frame, suite)
        features = frame.drop(columns=[target, clock, *left_out])
        kinds: dict[str, Any] = {
            name: "number" if pd.api.types.is_numeric_dtype(values) else "category"
            for name, values in features.items()
        }
        labels = frame[target].to_numpy()
        past = np.arange(len(frame) - holdout)
        latest = np.arange(len(frame) - holdout, len(frame))
        rows = {"train": features.iloc[past], "holdout": features.iloc[latest]}
        truth = {"train": labels[past], "holdout": labels[latest]}
        with mlflow.start_run():
            with self.step("tune"):
                estimator, chosen = self._tune(rows["train"], truth["train"], kinds, trials)
            mlflow.log_params({"estimator": estimator, **chosen})
            with self.step("fit"):
                model = build(estimator, chosen, TASK, kinds, 0).fit(rows["train"], truth["train"])
                said = model.predict_proba(rows["holdout"])
                loss = float(log_loss(truth["holdout"], said, labels=model.classes_))
                self._evidence(
                    model, rows, truth, estimator=estimator, chosen=chosen, kinds=kinds, loss=loss
                )
                self._log(model, rows["train"], "model")
            with self.step("check_model"):
                self._deepchecks(model, rows, truth, target)
            with self.step("check_baseline"):
                self._baseline(rows, truth, kinds, said)
            with self.step("check_calibration"):
                self._calibration(said[:, 1], truth["holdout"] == model.classes_[1])
            with self.step("check_robustness"):
                self._robustness(model, rows, kinds)
            with self.step("measure_model"):
                self._scores(model, rows, truth)
                self._curves(said[:, 1], truth["holdout"] == model.classes_[1])
            with self.step("refit"):
                served = build(estimator, chosen, TASK, kinds, 0).fit(features, labels)
                uri = self._log(served, features, "model-all-rows")
            with self.step("check_package"):
                self._package(uri, rows["holdout"])
            with self.step("register"):
                version = mlflow.register_model(uri, "by-hand").version
                mlflow.MlflowClient().set_registered_model_alias("by-hand", "champion", version)
        return loss

    def _validate(self, frame: pd.DataFrame, suite: dict[str, Any]) -> None:
        import great_expectations as gx
        from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
        from great_expectations.render.view.view import DefaultJinjaPageView

        batch = (
            gx.get_context(mode="ephemeral")
            .data_sources.add_pandas("rows")
            .add_dataframe_asset("rows")
            .add_batch_definition_whole_dataframe("rows")
            .get_batch({"dataframe": frame})
        )
        found = batch.validate(
            gx.ExpectationSuite(name="suite", expectations=suite["expectations"]),
            result_format={"result_format": "COMPLETE", "return_unexpected_index_query": False},
        )
        page = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(found))
        (self.folder / "data_docs.html").write_text(page, encoding="utf-8")

    def _tune(
        self,
        rows: pd.DataFrame,
        truth: np.ndarray,
        kinds: dict[str, Any],
        trials: list[tuple[str, dict[str, Any], int]],
    ) -> tuple[str, dict[str, Any]]:
        import mlflow
        import optuna
        from sklearn.metrics import log_loss
        from sklearn.model_selection import TimeSeriesSplit

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            storage=f"sqlite:///{self.folder}/study.db",
            sampler=optuna.samplers.TPESampler(seed=0),
        )
        folds = list(TimeSeriesSplit(FOLDS).split(rows))
        for estimator, parameters, came_to in trials:
            trial = study.ask()
            scores = []
            for number, (fitted, scored) in enumerate(folds[:came_to]):
                model = build(estimator, parameters, TASK, kinds, 0)
                model.fit(rows.iloc[fitted], truth[fitted])
                said = model.predict_proba(rows.iloc[scored])
                scores.append(log_loss(truth[scored], said, labels=model.classes_))
                trial.report(float(np.mean(scores)), number)
            value = float(np.mean(scores))
            study.tell(trial, value)
            with mlflow.start_run(nested=True):
                mlflow.log_params({"estimator": estimator, **parameters})
                mlflow.log_metric("log_loss", value)
        whole = [trial for trial in study.trials if len(trial.intermediate_values) == FOLDS]
        best = min(whole, key=lambda trial: trial.value or 0.0).number
        return trials[best][0], trials[best][1]

    def _evidence(
        self,
        model: Any,
        rows: dict[str, pd.DataFrame],
        truth: dict[str, np.ndarray],
        *,
        estimator: str,
        chosen: dict[str, Any],
        kinds: dict[str, Any],
        loss: float,
    ) -> None:
        import mlflow
        from sklearn.inspection import permutation_importance
        from sklearn.metrics import log_loss

        size, count = len(rows["holdout"]), len(rows["train"])
        for number in range(1, PERIODS + 1):
            end = count - (number - 1) * size
            earlier = build(estimator, chosen, TASK, kinds, 0)
            earlier.fit(rows["train"].iloc[: end - size], truth["train"][: end - size])
            said = earlier.predict_proba(rows["train"].iloc[end - size : end])
            known = truth["train"][end - size : end]
            value = float(log_loss(known, said, labels=earlier.classes_))
            mlflow.log_metric("period.log_loss", value, step=number)
        sample = rows["holdout"].head(1_000)
        found = permutation_importance(
            model,
            sample,
            truth["holdout"][:1_000],
            scoring="neg_log_loss",
            n_repeats=3,
            random_state=0,
        )
        shown = dict(zip(sample.columns, found.importances_mean.tolist(), strict=True))
        mlflow.log_dict(shown, "importance.json")
        mlflow.log_metric("holdout.log_loss", loss)
        rows["holdout"].describe(include="all").to_csv(self.folder / "reference.csv")
        mlflow.log_artifact(str(self.folder / "reference.csv"))

    def _log(self, model: Any, rows: pd.DataFrame, name: str) -> str:
        import mlflow
        from mlflow.models import infer_signature

        logged = mlflow.sklearn.log_model(
            model,
            name=name,
            signature=infer_signature(rows.head(100), model.predict(rows.head(100))),
            input_example=rows.head(5),
            serialization_format="skops",
            skops_trusted_types=_types(model),
            pip_requirements=["scikit-learn", "skops", "pandas"],
        )
        return str(logged.model_uri)

    def _deepchecks(
        self, model: Any, rows: dict[str, pd.DataFrame], truth: dict[str, np.ndarray], target: str
    ) -> None:
        import mlflow
        from prefect_mlops.gates.deepchecks_compat import load
        from prefect_mlops.gates.deepchecks_defaults import default_checks

        # The library as released does not run on this NumPy.
        load()
        from deepchecks.tabular import Dataset, Suite, checks

        wanted = []
        for settings in default_checks(TASK):
            check = getattr(checks, settings.check)(**settings.parameters)
            for name, arguments in settings.conditions.items():
                getattr(check, f"add_condition_{name}")(**arguments)
            wanted.append(check)
        categories = list(rows["train"].select_dtypes(exclude="number"))
        data = [
            Dataset(
                rows[part].assign(**{target: truth[part]}).sample(min(10_000, len(rows[part]))),
                label=target,
                cat_features=categories,
                label_type=TASK,
            )
            for part in ("train", "holdout")
        ]
        found = Suite("checks", *wanted).run(*data, model=model)
        found.save_as_html(str(self.folder / "deepchecks.html"), as_widget=False)
        mlflow.log_artifact(str(self.folder / "deepchecks.html"))

    def _baseline(
        self,
        rows: dict[str, pd.DataFrame],
        truth: dict[str, np.ndarray],
        kinds: dict[str, Any],
        said: np.ndarray,
    ) -> None:
        from scipy import stats
        from sklearn.dummy import DummyClassifier

        linear = build("linear", {"C": 1.0}, TASK, kinds, 0)
        mine = _losses(said, truth["holdout"])
        for model in (DummyClassifier(strategy="prior"), linear):
            model.fit(rows["train"], truth["train"])
            other = _losses(model.predict_proba(rows["holdout"]), truth["holdout"])
            stats.bootstrap(
                (other - mine,),
                np.mean,
                n_resamples=RESAMPLES,
                method="percentile",
                batch=100,
                rng=np.random.default_rng(0),
            )

    def _calibration(self, said: np.ndarray, came: np.ndarray) -> None:
        from sklearn.calibration import calibration_curve

        rng = np.random.default_rng(0)
        calibration_curve(came, said, n_bins=10, strategy="quantile")
        for _ in range(500):
            calibration_curve(rng.random(len(said)) < said, said, n_bins=10, strategy="quantile")

    def _robustness(self, model: Any, rows: dict[str, pd.DataFrame], kinds: dict[str, Any]) -> None:
        rng = np.random.default_rng(0)
        noisy, unknown = rows["holdout"].copy(), rows["holdout"].copy()
        for name, kind in kinds.items():
            if kind == "number":
                spread = float(rows["train"][name].std())
                noisy[name] = noisy[name] + 0.05 * spread * rng.standard_normal(len(noisy))
            else:
                unknown[name] = "never seen"
        emptied = [rows["holdout"].assign(**{name: None}) for name in list(kinds)[:5]]
        for disturbed in (noisy, unknown, *(frame.infer_objects() for frame in emptied)):
            model.predict_proba(disturbed.astype(rows["train"].dtypes.to_dict(), errors="ignore"))

    def _scores(
        self, model: Any, rows: dict[str, pd.DataFrame], truth: dict[str, np.ndarray]
    ) -> None:
        from sklearn.metrics import roc_auc_score

        rng = np.random.default_rng(0)
        for part, resamples in (("train", 100), ("holdout", RESAMPLES)):
            said = model.predict_proba(rows[part])
            came = truth[part] == model.classes_[1]
            losses = np.column_stack(
                [
                    _losses(said, truth[part]),
                    np.square(came - said[:, 1]),
                    came != (said[:, 1] > 0.5),
                ]
            )
            for number in range(resamples):
                drawn = rng.integers(0, len(came), len(came))
                losses[drawn].mean(axis=0)
                if number < 100:
                    roc_auc_score(came[drawn], said[drawn, 1])

    def _curves(self, said: np.ndarray, came: np.ndarray) -> None:
        import mlflow
        from matplotlib.figure import Figure
        from sklearn.calibration import CalibrationDisplay
        from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay

        axes = Figure(figsize=(12, 4)).subplots(1, 3)
        for display, ax in zip(
            (RocCurveDisplay, PrecisionRecallDisplay, CalibrationDisplay), axes, strict=True
        ):
            display.from_predictions(came, said, ax=ax)
        axes[0].figure.savefig(self.folder / "curves.png", dpi=100)
        mlflow.log_artifact(str(self.folder / "curves.png"))

    def _package(self, uri: str, rows: pd.DataFrame) -> None:
        rows.head(200).to_parquet(self.folder / "rows.parquet")
        script = (
            "import sys, mlflow, pandas as pd\n"
            f"mlflow.set_tracking_uri('sqlite:///{self.folder}/mlflow.db')\n"
            f"model = mlflow.pyfunc.load_model({uri!r})\n"
            f"rows = pd.read_parquet({str(self.folder / 'rows.parquet')!r})\n"
            "model.predict(rows)\n"
            "for i in range(50): model.predict(rows.iloc[[i]])\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def _losses(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    classes = np.unique(truth)
    column = np.searchsorted(classes, truth)
    return -np.log(np.clip(said[np.arange(len(truth)), column], 1e-15, 1))


def _types(model: Any) -> list[str]:
    from skops import io

    return io.get_untrusted_types(data=io.dumps(model))

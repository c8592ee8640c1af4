"""Default Deepchecks checks, for projects that name none.

Two block: a holdout that mostly repeats training rows decides nothing, and a model no better than
guessing by class shares (or by drawing from the training labels) is of no use. The others inform.
Drift between train and holdout is among those: it is why one retrains.
"""

from __future__ import annotations

from ..core.settings import DeepcheckSettings, TaskType


def default_checks(task: TaskType) -> list[DeepcheckSettings]:
    """Return the default checks of a task type."""
    classes = task != "regression"
    # A score of the labels, not of probabilities: a naive model's probabilities are 0 and 1, and
    # their log loss is so bad that beating it means nothing.
    scorer = {"accuracy": "accuracy"} if classes else {"neg_rmse": "neg_rmse"}
    found = [
        # Half of the holdout: natural duplicates in narrow tables reach a quarter.
        DeepcheckSettings(
            check="TrainTestSamplesMix",
            conditions={"duplicates_ratio_less_or_equal": {"max_ratio": 0.5}},
        ),
        DeepcheckSettings(
            check="SimpleModelComparison",
            parameters={"strategy": "stratified", "scorers": scorer},
            conditions={"gain_greater_than": {"min_allowed_gain": 0.0}},
        ),
        _advice("TrainTestPerformance", "train_test_relative_degradation_less_than", threshold=0.2),
        _advice("FeatureLabelCorrelationChange", "feature_pps_difference_less_than", threshold=0.2),
        _advice("UnusedFeatures", "number_of_high_variance_unused_features_less_or_equal"),
        _advice("IsSingleValue", "not_single_value"),
        _advice("StringMismatchComparison", "no_new_variants"),
        _advice("NewCategoryTrainTest", "new_category_ratio_less_or_equal", max_ratio=0.01),
        _advice("FeatureDrift", "drift_score_less_than"),
        _advice("LabelDrift", "drift_score_less_than"),
        _advice("PredictionDrift", "drift_score_less_than"),
    ]
    if classes:
        found += [
            _advice(
                "ConflictingLabels", "ratio_of_conflicting_labels_less_or_equal", max_ratio=0.05
            ),
            _advice("NewLabelTrainTest", "new_labels_number_less_or_equal"),
        ]
    return found


def _advice(check: str, condition: str, **arguments: float) -> DeepcheckSettings:
    return DeepcheckSettings(check=check, conditions={condition: arguments}, blocking=False)

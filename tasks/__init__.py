"""The steps: one Prefect task each, a thin one around a library, plus the verdict.

| of | steps |
| --- | --- |
| Rows | `extract`, `validate_data`, `split` |
| Training | `tune`, `run_trial`, `fit`, `refit` |
| Gates | `check_model`, `check_baseline`, `check_calibration`, `check_decisions`, `check_robustness`, `check_slices`, `check_fairness`, `run_gates`, `compare`, `check_package`, `check_freshness` |
| Registry | `adopt`, `register`, `request_approval`, `find_approval`, `record_approval`, `settle_approvals`, `promote`, `finalise`, `verify_repair`, `roll_back` |
| Scoring | `score_rows`, `attach_labels` |
| Monitoring | `read_window`, `read_labelled_window`, `measure_drift`, `measure_performance`, `decide`, `request_retraining`, `deliver_pending`, `prune_predictions` |
| What you bring | `run_expectations`, `run_deepchecks`, `run_evidently`, `notify` |
| Evidence | `measure_model`, `write_card`, `assess_readiness` |
| Canary | `judge_canary`, `conclude_canary` |
| Backtest | `train_candidate`, `replay_policy` |

They take what they read and no project: `arguments` of a configured project answers their keywords. `step` makes one of a
function of your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..runs.step import step as step

if TYPE_CHECKING:
    from .adoption import adopt
    from .approval import find_approval, record_approval, request_approval, settle_approvals
    from .backtesting import replay_policy, train_candidate
    from .baseline import check_baseline
    from .calibration import check_calibration
    from .canary import conclude_canary, judge_canary
    from .card import write_card
    from .comparison import compare
    from .data_validation import validate_data
    from .decisions import check_decisions
    from .delivery import deliver_pending
    from .drift import measure_drift
    from .extraction import extract
    from .fairness import check_fairness
    from .fitting import fit, refit
    from .freshness import check_freshness
    from .governor import decide
    from .labelling import attach_labels
    from .measures import measure_model
    from .model_validation import check_model
    from .notifying import notify
    from .own_checks import run_deepchecks, run_evidently, run_expectations
    from .own_gates import run_gates
    from .packaging import check_package
    from .performance import measure_performance
    from .promotion import promote, roll_back
    from .readiness import assess_readiness
    from .registration import finalise, register
    from .repair import verify_repair
    from .retraining_requests import request_retraining
    from .robustness import check_robustness
    from .scoring import score_rows
    from .slices import check_slices
    from .splitting import split
    from .trials import run_trial
    from .tuning import tune
    from .windows import prune_predictions, read_labelled_window, read_window

__all__ = [
    "adopt",
    "assess_readiness",
    "attach_labels",
    "check_baseline",
    "check_calibration",
    "check_decisions",
    "check_fairness",
    "check_freshness",
    "check_model",
    "check_package",
    "check_robustness",
    "check_slices",
    "compare",
    "conclude_canary",
    "decide",
    "deliver_pending",
    "extract",
    "finalise",
    "find_approval",
    "fit",
    "judge_canary",
    "measure_drift",
    "measure_model",
    "measure_performance",
    "notify",
    "promote",
    "prune_predictions",
    "read_labelled_window",
    "read_window",
    "record_approval",
    "refit",
    "register",
    "replay_policy",
    "request_approval",
    "request_retraining",
    "roll_back",
    "run_deepchecks",
    "run_evidently",
    "run_expectations",
    "run_gates",
    "run_trial",
    "score_rows",
    "settle_approvals",
    "split",
    "train_candidate",
    "tune",
    "validate_data",
    "verify_repair",
    "write_card",
]

_HOMES = {
    "adopt": "adoption",
    "assess_readiness": "readiness",
    "attach_labels": "labelling",
    "check_baseline": "baseline",
    "check_calibration": "calibration",
    "check_decisions": "decisions",
    "check_fairness": "fairness",
    "check_freshness": "freshness",
    "check_model": "model_validation",
    "check_package": "packaging",
    "check_robustness": "robustness",
    "check_slices": "slices",
    "compare": "comparison",
    "conclude_canary": "canary",
    "decide": "governor",
    "deliver_pending": "delivery",
    "extract": "extraction",
    "finalise": "registration",
    "find_approval": "approval",
    "fit": "fitting",
    "judge_canary": "canary",
    "measure_drift": "drift",
    "measure_model": "measures",
    "measure_performance": "performance",
    "notify": "notifying",
    "promote": "promotion",
    "prune_predictions": "windows",
    "read_labelled_window": "windows",
    "read_window": "windows",
    "record_approval": "approval",
    "refit": "fitting",
    "register": "registration",
    "replay_policy": "backtesting",
    "request_approval": "approval",
    "request_retraining": "retraining_requests",
    "roll_back": "promotion",
    "run_deepchecks": "own_checks",
    "run_evidently": "own_checks",
    "run_expectations": "own_checks",
    "run_gates": "own_gates",
    "run_trial": "trials",
    "score_rows": "scoring",
    "settle_approvals": "approval",
    "split": "splitting",
    "train_candidate": "backtesting",
    "tune": "tuning",
    "validate_data": "data_validation",
    "verify_repair": "repair",
    "write_card": "card",
}


def __getattr__(name: str) -> Any:
    # A flow pays only for the steps that it uses.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

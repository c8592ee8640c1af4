import pytest
from prefect_mlops.core.settings import (
    ApprovalSettings,
    Columns,
    DataSettings,
    DriftThresholds,
    GateSettings,
    GovernorPolicy,
    MonitoringSettings,
    Settings,
    TrainingSettings,
)
from pydantic import ValidationError


def every_settings_class(base=Settings):
    for kind in base.__subclasses__():
        yield kind
        yield from every_settings_class(kind)


@pytest.mark.parametrize("kind", sorted(set(every_settings_class()), key=lambda k: k.__name__))
def test_every_field_tells_the_person_at_the_form_what_it_is_for(kind):
    for name, field in kind.model_fields.items():
        if name != "type":
            assert field.description, f"{kind.__name__}.{name}"


def test_what_is_not_used_is_not_written():
    assert not {"decisions", "class_weights"} & set(TrainingSettings().model_dump())
    assert not {"weight", "group"} & set(Columns(target="y").model_dump())
    used = TrainingSettings(decisions={"calibration": "sigmoid"})
    assert used.model_dump()["decisions"] == {"calibration": "sigmoid"}


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ({"false_positive": 1}, "'false_negative'. missing"),
        ({"false_positive": 1, "false_negative": 5, "misses": 1}, "unknown .'misses'"),
        ({"a": {"b": float("inf")}}, "expected finite numbers"),
        ({}, "missing"),
    ],
)
def test_costs_that_mean_nothing_are_refused(costs, said):
    with pytest.raises(ValidationError, match=said):
        TrainingSettings(decisions={"costs": costs})


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs"):
        DataSettings(minimum_row=5)


def test_values_are_checked_on_assignment_too():
    settings = DataSettings()
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        settings.quarantine_budget = 2


@pytest.mark.parametrize(
    "roles",
    [
        {"target": "y", "timestamp": "y"},
        {"target": "y", "id": "i", "ignored": ["i"]},
        {"target": "y", "features": ["a", "y"]},
        {"target": "y", "features": ["a", "a"]},
    ],
)
def test_a_column_has_one_role(roles):
    with pytest.raises(ValidationError, match="give it one role"):
        Columns(**roles)


@pytest.mark.parametrize(
    "roles",
    [
        {"target": "y", "slices": ["y"]},
        {"target": "y", "features": ["a"], "slices": ["b"]},
        {"target": "y", "ignored": ["b"], "categorical": ["b"]},
    ],
)
def test_slices_and_categories_are_features(roles):
    with pytest.raises(ValidationError, match="not a feature"):
        Columns(**roles)


def test_features_are_every_column_without_another_role():
    columns = Columns(target="y", timestamp="t", id="i", ignored=["x"], slices=["b"])
    assert columns.feature_names(["t", "b", "y", "x", "a", "i"]) == ["b", "a"]


def test_named_features_keep_their_order():
    assert Columns(target="y", features=["b", "a"]).feature_names(["a", "b", "y"]) == ["b", "a"]


def test_rows_have_an_order_by_timestamp_or_by_declaration():
    assert not Columns(target="y").has_order
    assert Columns(target="y", timestamp="t").has_order
    assert Columns(target="y", ordered=True).has_order


def test_a_governor_that_could_never_ask_is_refused():
    with pytest.raises(ValidationError, match="no window could ask"):
        GovernorPolicy(windows=2, alarms=3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TrainingSettings(trials=0),
        lambda: TrainingSettings(estimators=[]),
        lambda: DriftThresholds(false_alarm_rate=0),
        lambda: DataSettings(holdout_share=1.5),
    ],
)
def test_numbers_out_of_range_are_refused(make):
    with pytest.raises(ValidationError):
        make()


def test_settings_survive_json():
    settings = MonitoringSettings(governor=GovernorPolicy(budget=None))
    assert MonitoringSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    "text_format", ["%d/%m/%Y", "%Y%m%d", "%d.%m.%y %H:%M", "ISO8601", "%d %b %Y"]
)
def test_a_format_of_datetimes_tells_one_day_from_another(text_format):
    formats = {"born": text_format}
    assert Columns(target="y", datetime_formats=formats).datetime_formats == formats


@pytest.mark.parametrize(
    "text_format", ["%d/%m", "%Y-%m", "%H:%M", "dd/mm/yyyy", "", "%Q", "%d/%m/%Y %"]
)
def test_a_format_that_does_not_is_refused(text_format):
    with pytest.raises(
        ValidationError, match=r"'born' tells no day of a year: expected one such as"
    ):
        Columns(target="y", datetime_formats={"born": text_format})


def test_a_column_with_a_format_is_a_feature_and_no_category():
    with pytest.raises(ValidationError, match="datetime_formats names 'y', which is not a feature"):
        Columns(target="y", datetime_formats={"y": "%d/%m/%Y"})
    with pytest.raises(ValidationError, match="both categorical and datetimes"):
        Columns(target="y", categorical=["d"], datetime_formats={"d": "%d/%m/%Y"})


def test_the_plain_word_says_who_approves_a_promotion():
    gates = GateSettings.model_validate({"approval": "person"})
    assert (gates.approval.by, gates.approval.at_timeout) == ("person", "reject")
    assert GateSettings.model_validate(gates.model_dump()) == gates
    assert "approval" not in GateSettings().model_dump()
    for broken in ("anybody", {"by": "person", "timeout_seconds": 0}, {"who": "person"}):
        with pytest.raises(ValidationError, match="approval"):
            GateSettings.model_validate({"approval": broken})


def test_nobody_waits_for_a_person_longer_than_a_year():
    longest = ApprovalSettings(by="person", timeout_seconds=365 * 86_400)
    assert longest.timeout_seconds == 31_536_000
    for seconds in (31_536_001, 1e12, float("inf")):
        with pytest.raises(ValidationError, match=r"at most 365 days \(31536000 seconds\)"):
            ApprovalSettings(by="person", timeout_seconds=seconds)

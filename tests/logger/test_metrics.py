"""What a Prometheus server reads from a service that logs predictions."""

import urllib.request

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.logger.metrics import register
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.parser import text_string_to_metric_families


def scrape(server):
    """Read the metrics as Prometheus does: name to model to value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as reply:
        text = reply.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            short = sample.name.removeprefix("prefect_mlops_predictions_")
            found.setdefault(short, {})[sample.labels["model"]] = sample.value
    return found


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def server(registry):
    server, thread = start_http_server(0, "127.0.0.1", registry)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_counters_are_scraped_by_model(tmp_path, registry, server):
    blocker = tmp_path / "folder"
    blocker.write_text("in the way")
    settings = {"spool": tmp_path / "spool", "timeout_seconds": 0.2, "flush_seconds": 0.02}
    reached = PredictionLogger(f"sqlite:///{tmp_path}/log.db", "calls", "1", **settings)
    away = PredictionLogger(f"sqlite:///{blocker}/log.db", "shop", "1", **settings)
    for logger in (reached, away):
        logger.register_metrics(registry)
    reached.log_batch([{"x": 1}] * 3, [1] * 3)
    with pytest.raises(TypeError):
        reached.log({"x": object()}, 1)
    away.log({"x": 1}, 1)
    reached.flush()
    with pytest.raises(LogUnavailable):
        away.flush()
    found = scrape(server)
    assert found.pop("failing") == {"calls": 0, "shop": 1}
    assert found == {
        "logged_total": {"calls": 3, "shop": 1},
        "written_total": {"calls": 3, "shop": 0},
        "spooled_total": {"calls": 3, "shop": 1},
        "replayed_total": {"calls": 0, "shop": 0},
        "dropped_total": {"calls": 1, "shop": 0},
        "pending": {"calls": 0, "shop": 1},
    }
    reached.close()
    away.close()
    assert scrape(server)["pending"] == {"calls": 0, "shop": 1}


def test_loggers_of_one_model_are_added_up_and_none_counts_twice(tmp_path, registry, server):
    uri = f"sqlite:///{tmp_path}/log.db"
    with PredictionLogger(uri, "calls", "1") as champion:
        champion.register_metrics(registry)
        champion.flush()
        with PredictionLogger(uri, "calls", "2", role="challenger") as challenger:
            challenger.register_metrics(registry)
            register(challenger, registry)
            champion.log({"x": 1}, 1)
            challenger.log({"x": 1}, 1)
        champion.flush()
        # A closed logger's rows still count: a counter never goes back.
        assert scrape(server)["written_total"] == {"calls": 2}

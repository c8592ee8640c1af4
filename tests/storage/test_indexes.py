"""Every query finds its rows by an index, as the database itself explains, and old rows expire."""

import pymongo
import pytest
from prefect_mlops.core.results import Window
from prefect_mlops.storage.mongodb import MongoStore
from prefect_mlops.storage.sqlite import SqliteStore
from pymongo.monitoring import CommandListener


def test_every_query_of_sqlite_uses_an_index(tmp_path, predict, window):
    explained = {}
    with SqliteStore(tmp_path / "p.db") as store:
        store.append([predict(str(i), i) for i in range(50)])
        statements = []
        store._connection.set_trace_callback(statements.append)
        store.read("calls", window(), sample=10)
        store.read("calls", Window(last=5))
        store.coverage("calls", window())
        store.get("calls", "1")
        store.attach_labels("calls", {"1": "yes"})
        store.prune(window(1).start)
        store.record("decision", "k", "p", {})
        store.journal("decision", "p", limit=1)
        store._connection.set_trace_callback(None)
        for statement in statements:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                plan = store._connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                explained[statement] = " ".join(row[3] for row in plan)
    assert len(explained) >= 9
    assert all("USING" in plan and "SCAN" not in plan for plan in explained.values()), explained
    assert not any("TEMP B-TREE" in plan for plan in explained.values()), explained


class Queries(CommandListener):
    def __init__(self):
        self.seen = []

    def started(self, event):
        names = ("find", "aggregate", "count", "update", "delete")
        if event.command_name in names:
            self.seen.append(
                {name: event.command[name] for name in event.command if name[0] != "$"}
            )

    def succeeded(self, event):
        pass

    def failed(self, event):
        pass


def stages(plan):
    """Names of a winning plan's stages."""
    inner = [plan[name] for name in ("inputStage", "queryPlan") if name in plan]
    inner += plan.get("inputStages", [])
    return [plan.get("stage"), *(name for part in inner for name in stages(part))]


def winning_plans(explained):
    """Every winning plan in what `explain` says; an aggregation has one inside a stage."""
    if isinstance(explained, dict):
        for name, part in explained.items():
            yield from [part] if name == "winningPlan" else winning_plans(part)
    elif isinstance(explained, list):
        for part in explained:
            yield from winning_plans(part)


@pytest.mark.mongodb
def test_every_query_of_mongodb_uses_an_index(mongodb_uri, collection, predict, window):
    queries = Queries()
    with MongoStore(mongodb_uri, collection, retention_days=30, event_listeners=[queries]) as store:
        store.append([predict(str(i), i) for i in range(50)])
        queries.seen.clear()
        store.read("calls", window(), sample=10)
        store.read("calls", Window(last=5))
        store.coverage("calls", window())
        store.get("calls", "1")
        store.attach_labels("calls", {"1": "yes"})
        store.prune(window(1).start)
        store.record("decision", "k", "p", {})
        store.journal("decision", "p", limit=1)
    with pymongo.MongoClient(mongodb_uri) as client:
        database = client.get_default_database()
        has = {
            tuple(index["key"])
            for name in ("predictions", "columns", "journal")
            for index in database[f"{collection}_{name}"].list_indexes()
        }
        assert {("model", "role", "at", "id"), ("model",), ("kind", "project", "sequence")} <= has
        assert len(queries.seen) >= 10
        for command in queries.seen:
            command.pop("lsid", None)
            command.pop("txnNumber", None)
            explained = database.command("explain", command, verbosity="queryPlanner")
            plans = list(winning_plans(explained))
            if not plans:
                pytest.skip("NOT TESTED: this server's explain shows no winning plan")
            assert not any("COLLSCAN" in stages(plan) for plan in plans), command


@pytest.mark.mongodb
def test_retention_is_an_index_that_expires_rows_where_the_server_has_them(
    mongodb_uri, collection, predict, window
):
    with MongoStore(mongodb_uri, collection, retention_days=30) as store:
        store.append([predict("a")])
    with (
        MongoStore(mongodb_uri, collection, retention_days=7) as store,
        pymongo.MongoClient(mongodb_uri) as client,
    ):
        rows = client.get_default_database()[f"{collection}_predictions"]
        [index] = [found for found in rows.list_indexes() if list(found["key"]) == ["made"]]
        assert index.get("expireAfterSeconds") in (7 * 86_400, None)
        assert store.prune(window(1).start) == 1

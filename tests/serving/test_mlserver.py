"""A real MLServer, scored over REST and gRPC while aliases move, servers go away and it is stopped."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO
from urllib.parse import quote

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.results import Split, Window
from prefect_mlops.data.snapshots import save_snapshot
from prefect_mlops.demo.processes import free_port
from prefect_mlops.demo.servers import MLflowServer
from prefect_mlops.serving.routing import routes_to_challenger
from prefect_mlops.storage.open import open_store
from support.candidates import crown, log_candidate
from support.model_server import NAME, ModelServer, serving_python
from support.mongodb import PASSWORD, mongodb_server

pytestmark = pytest.mark.slow
ROWS = 400


def make_rows(rows: int = ROWS) -> pd.DataFrame:
    """One column of every kind; the first carries the label."""
    rng = np.random.default_rng(0)
    strong = rng.normal(size=rows)
    return pd.DataFrame(
        {
            "strong": strong,
            "new": rng.random(rows) < 0.5,
            "job": rng.choice(["admin", "student", "retired"], rows),
            "due": pd.date_range("2026-01-01", periods=rows, freq="h", tz="UTC"),
            "y": np.where(rng.normal(strong) > 0, "yes", "no"),
        }
    )


class World:
    """An MLflow server with three versions of one model."""

    def __init__(self, folder, port=None):
        self.folder = folder
        self.port = port or free_port()
        self.mlflow = MLflowServer(folder, pick_port=lambda: self.port)
        self.mlflow.__enter__()
        uri = f"http://127.0.0.1:{self.port}"
        frame = make_rows()
        frame.to_parquet(folder / "rows.parquet")
        self.project = MLProject(
            name=NAME,
            task_type="binary",
            dataset=Dataset(
                source={"type": "parquet", "path": str(folder / "rows.parquet")},
                columns={"target": "y"},
            ),
            registry=ModelRegistry(tracking_uri=uri, model_name=NAME),
            predictions=PredictionLog(uri=f"sqlite:///{folder}/unused.db"),
            workspace=str(folder / "workspace"),
        )
        workspace = self.project.open_workspace()
        train, holdout = (
            save_snapshot(workspace, pa.Table.from_pandas(part), "test", None)
            for part in (frame[:300], frame[300:].reset_index(drop=True))
        )
        self.split = Split(
            train=train, holdout=holdout, method="hash", boundary=None, first_holdout_row=None
        )
        self.client = self.project.registry.get_client()
        for name, noise in {"a": 0.0, "b": 0.5, "c": 1.0}.items():
            self.add_version(name, noise)
        self.predictors = {
            version: self.project.registry.load_model(f"models:/{NAME}/{version}", "binary")
            for version in ("1", "2", "3")
        }
        self.point("1")

    def add_version(self, name, noise):
        """Train and register; returns the version and the id of its model."""
        candidate = log_candidate(self.project, self.split, noise=noise, name=name)
        return crown(self.project, candidate).version, candidate.model_uri.removeprefix("models:/")

    def point(self, champion, challenger=None):
        self.client.set_registered_model_alias(NAME, "champion", champion)
        if challenger is None:
            self.client.delete_registered_model_alias(NAME, "challenger")
        else:
            self.client.set_registered_model_alias(NAME, "challenger", challenger)

    def score(self, version, frame):
        """Probability of `yes`."""
        predictor = self.predictors[version]
        position = predictor.classes.tolist().index("yes")
        return predictor.predict(frame)[:, position].tolist()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    serving_python()
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.mlflow.stop()


@pytest.fixture
def serve(world, tmp_path):
    """A function that starts a server which logs to the test's own database; keywords are settings."""
    running = []

    def start(*, ready=True, environment=None, **extra):
        base = {
            "tracking_uri": world.project.registry.tracking_uri.get_secret_value(),
            "model_name": NAME,
            "task_type": "binary",
            "predictions": f"sqlite:///{tmp_path}/predictions.db",
            "spool": str(tmp_path / "spool"),
            "refresh_seconds": 0.2,
        }
        folder = tmp_path / str(len(running))
        server = ModelServer(folder, base | extra, environment=environment)
        running.append(server)
        return server.start(ready=ready)

    yield start
    for server in running:
        server.__exit__()
    world.point("1")


@pytest.fixture
def logged(tmp_path):
    """A function that reads what is logged of a role: id to row."""

    def read(role="champion"):
        with open_store(f"sqlite:///{tmp_path}/predictions.db") as store:
            rows = store.read(NAME, Window(last=100_000), role=role).to_pylist()
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows)
        return found

    return read


def tensors(frame):
    """One input a column, as a careful client would send them."""
    rows = len(frame)
    due = [moment.isoformat() for moment in frame["due"]]
    return [
        {"name": "strong", "datatype": "FP64", "shape": [rows], "data": frame["strong"].tolist()},
        {"name": "new", "datatype": "BOOL", "shape": [rows, 1], "data": frame["new"].tolist()},
        text("job", frame["job"].tolist()),
        text("due", due),
    ]


def text(name, values):
    return {
        "name": name,
        "datatype": "BYTES",
        "shape": [len(values), 1],
        "data": values,
        "parameters": {"content_type": "str"},
    }


def outputs(response):
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def test_what_is_answered_over_rest_and_grpc_is_what_the_model_predicts_and_what_is_logged(
    world, serve, logged
):
    server, frame = serve(), make_rows(3)
    before = datetime.now(UTC)
    single = server.infer({"id": "one", "inputs": tensors(frame[:1])})
    several = server.infer({"inputs": tensors(frame)})
    over_grpc = server.infer_over_grpc(
        [
            {"id": "g", "inputs": tensors(frame)},
            {"id": "raw", "inputs": tensors(frame), "raw": True},
            {"inputs": tensors(frame[:1])},
        ]
    )
    expected = world.score("1", frame)
    assert outputs(single)["score.yes"] == expected[:1]
    assert outputs(single)["id"] == ["one"]
    body = several.json()
    assert body["model_version"] == "1"
    assert body["parameters"] == {"content_type": "pd", "role": "champion", "logged": True}
    assert outputs(several)["id"] == [f"{body['id']}-{row}" for row in range(3)]
    for answer in over_grpc[:2]:
        assert (answer["code"], answer["model_version"], answer["role"]) == ("OK", "1", "champion")
        assert answer["outputs"]["score.yes"] == expected
        assert answer["outputs"]["prediction"] == outputs(several)["prediction"]
    assert over_grpc[2]["outputs"]["id"] == [over_grpc[2]["id"]] != [""]
    server.stop()

    rows = logged()
    assert len(rows) == 1 + 3 + 3 + 3 + 1
    row = rows["g-2"]
    assert (row["version"], row["request"], row["score.yes"]) == ("1", "g", expected[2])
    assert row["prediction"] == ("yes" if expected[2] > 0.5 else "no")
    assert row["features.strong"] == frame["strong"][2]
    assert row["features.new"] == frame["new"][2]
    assert row["features.job"] == frame["job"][2]
    assert row["features.due"] == frame["due"][2]
    assert 0 < row["latency_seconds"] < 10
    assert before <= row["at"] <= datetime.now(UTC)


def test_frames_go_in_and_out_with_the_codec_of_mlserver(world, serve):
    server, frame = serve(), make_rows(3)
    frame.loc[1, "strong"] = None
    encode = """
import sys, pandas as pd
from mlserver.codecs import PandasCodec
frame = pd.read_json(sys.stdin, orient="split", convert_dates=False)
print(PandasCodec.encode_request(frame, use_bytes=False).model_dump_json())
"""
    decode = """
import sys
from mlserver.codecs import PandasCodec
from mlserver.types import InferenceResponse
answer = InferenceResponse.model_validate_json(sys.stdin.read())
print(PandasCodec.decode_response(answer).to_json(orient="split"))
"""
    sent = frame.drop(columns="y").assign(due=[moment.isoformat() for moment in frame["due"]])
    request = server.run(["-c", encode], sent.to_json(orient="split"))
    response = server.infer(json.loads(request))
    assert response.status_code == 200, response.text
    answers = pd.read_json(StringIO(server.run(["-c", decode], response.text)), orient="split")
    assert list(answers) == ["prediction", "score.no", "score.yes", "id"]
    assert answers["score.yes"].tolist() == pytest.approx(world.score("1", frame))
    assert answers["id"].tolist() == [f"{response.json()['id']}-{row}" for row in range(3)]


def test_metadata_describes_the_champion_and_a_caller_may_choose_outputs(serve):
    server, frame = serve(), make_rows(2)
    body = server.infer({"inputs": tensors(frame), "outputs": [{"name": "score.yes"}]}).json()
    assert [output["name"] for output in body["outputs"]] == ["score.yes"]
    type_in_words = httpx.get(f"{server.url}/v2/models/{NAME}", trust_env=False).json()
    assert type_in_words["versions"] == ["1"]
    assert {given["name"]: given["datatype"] for given in type_in_words["inputs"]} == {
        "strong": "FP64",
        "new": "BOOL",
        "job": "BYTES",
        "due": "BYTES",
    }
    assert [given["name"] for given in type_in_words["outputs"]] == [
        "prediction",
        "score.no",
        "score.yes",
        "id",
    ]


def test_requests_that_do_not_fit_are_refused_over_both_protocols_and_never_logged(serve, logged):
    server, good = serve(), tensors(make_rows(2))
    strong, new, job, due = good

    def wrong(name, **changes):
        return [given | changes if given["name"] == name else given for given in good]

    cases = {
        "column 'job' is missing: text (BYTES)": [strong, new, due],
        "column 'jobb' is unknown to the model; did you mean 'job'?": [
            *good,
            job | {"name": "jobb"},
        ],
        "column 'strong', row 0 is text, expected a number": [
            text("strong", ["1", "2"]),
            new,
            job,
            due,
        ],
        "column 'due', row 1 is text, expected ISO 8601": wrong("due", data=["2026-01-01", "soon"]),
        "column 'job' has 1 rows, but column 'strong' has 2": wrong(
            "job", data=["admin"], shape=[1, 1]
        ),
        "column 'strong' has no rows": [given | {"data": [], "shape": [0, 1]} for given in good],
        "column 'job' is sent twice": [*good, job],
        "column 'strong' has shape [3], but 2 elements": wrong("strong", shape=[3]),
    }
    answers = server.infer_over_grpc(
        [{"id": f"bad-{i}", "inputs": inputs} for i, inputs in enumerate(cases.values())]
    )
    for (message, inputs), over_grpc in zip(cases.items(), answers, strict=True):
        response = server.infer({"inputs": inputs})
        assert response.status_code == 400, message
        assert message in response.json()["error"]
        assert over_grpc["code"] == "INVALID_ARGUMENT", over_grpc
        assert message in over_grpc["error"]
    for broken in (
        {"id": "two words", "inputs": good},
        {"id": "x" * 201, "inputs": good},
        {"inputs": good, "outputs": [{"name": "probability"}]},
        {"inputs": []},
    ):
        assert server.infer(broken).status_code == 400
    assert server.infer({"inputs": "none"}).status_code == 422
    assert server.metric("prefect_mlops_server_refused_total") == 2 * len(cases) + 4
    assert server.infer({"id": "good", "inputs": good}).status_code == 200
    server.stop()
    assert set(logged()) == {"good-0", "good-1"}


def test_100_requests_in_flight_while_the_champion_moves(world, serve, logged):
    server, frame = serve(threads=4), make_rows(1)
    inputs = tensors(frame)
    expected = {world.score(version, frame)[0]: version for version in ("1", "2", "3")}
    assert len(expected) == 3
    answers, moving = {}, True

    async def one(client, name):
        count = 0
        while moving:
            request = f"{name}-{count}"
            count += 1
            response = await client.post("/infer", json={"id": request, "inputs": inputs})
            body = response.json()
            assert response.status_code == 200, body
            scores = {output["name"]: output["data"] for output in body["outputs"]}
            answers[request] = body["model_version"]
            assert expected[scores["score.yes"][0]] == body["model_version"]

    async def hundred():
        base = f"{server.url}/v2/models/{NAME}"
        # The server closes connections that were idle for 5 s, which a request may cross.
        limits = httpx.Limits(max_connections=100, keepalive_expiry=1.0)
        async with httpx.AsyncClient(
            base_url=base, limits=limits, timeout=60, trust_env=False
        ) as client:
            await asyncio.gather(*[one(client, f"r{i}") for i in range(100)])

    def move():
        nonlocal moving
        try:
            for version in ("2", "3", "1", "3", "2", "1", "2", "3"):
                world.point(version)
                server.wait(
                    lambda version=version: (
                        server.metric("prefect_mlops_server_version", alias="champion")
                        == float(version)
                    ),
                    f"version {version} was never served",
                )
                time.sleep(0.3)
        finally:
            moving = False

    over_grpc = [{"id": f"g-{i}", "inputs": inputs} for i in range(600)]
    with ThreadPoolExecutor(2) as pool:
        mover = pool.submit(move)
        caller = pool.submit(server.infer_over_grpc, over_grpc, 50)
        asyncio.run(hundred())
        mover.result()
        for answer in caller.result():
            assert answer["code"] == "OK", answer
            answers[answer["id"]] = answer["model_version"]
            assert expected[answer["outputs"]["score.yes"][0]] == answer["model_version"]
    server.stop()

    assert {request: row["version"] for request, row in logged().items()} == answers
    seen = Counter(answers.values())
    assert len(answers) > 700
    assert set(seen) == {"1", "2", "3"}


def test_a_canary_answers_its_share_and_sticks_to_its_requests(world, serve, logged):
    world.point("1", "2")
    server, inputs = serve(canary_share=0.25), tensors(make_rows(1))
    ids = [f"call-{i}" for i in range(200)]
    answers = server.infer_over_grpc([{"id": i, "inputs": inputs} for i in ids], 20)
    again = server.infer_over_grpc([{"id": i, "inputs": inputs} for i in ids], 20)
    assert [a["model_version"] for a in answers] == [a["model_version"] for a in again]
    for request, answer in zip(ids, answers, strict=True):
        canary = routes_to_challenger(request, 0.25)
        assert answer["role"] == ("challenger" if canary else "champion")
        assert answer["model_version"] == ("2" if canary else "1")
    world.point("1")
    server.wait(
        lambda: server.metric("prefect_mlops_server_version", alias="challenger") == 0,
        "the challenger was never withdrawn",
    )
    [late] = [i for i in ids if routes_to_challenger(i, 0.25)][:1]
    assert server.infer({"id": f"{late}", "inputs": inputs}).json()["model_version"] == "1"
    server.stop()
    canary = {i for i in ids if routes_to_challenger(i, 0.25)}
    assert set(logged("challenger")) == canary
    assert {row["version"] for row in logged("challenger").values()} == {"2"}
    assert set(logged("champion")) == set(ids) - canary | {late}
    assert logged("shadow") == {}


def test_a_shadow_predicts_beside_the_champion(world, serve, logged):
    world.point("1", "3")
    server, frame = serve(shadow=True), make_rows(2)
    for i in range(30):
        body = server.infer({"id": f"s{i}", "inputs": tensors(frame)}).json()
        assert (body["model_version"], body["parameters"]["role"]) == ("1", "champion")
    server.stop()
    champion, shadow = logged("champion"), logged("shadow")
    assert set(champion) == set(shadow)
    assert len(champion) == 60
    assert {row["version"] for row in shadow.values()} == {"3"}
    assert [shadow[f"s0-{row}"]["score.yes"] for row in range(2)] == world.score("3", frame)
    assert all(shadow[i]["at"] == row["at"] for i, row in champion.items())


def test_it_goes_on_while_mlflow_is_away_and_follows_again(world, serve):
    server, inputs = serve(), tensors(make_rows(1))
    world.mlflow.stop()
    failures = "prefect_mlops_server_refresh_failures_total"
    server.wait(lambda: server.metric(failures, alias="champion") > 0, "nobody noticed", 60)
    for _ in range(20):
        assert server.infer({"inputs": inputs}).json()["model_version"] == "1"
    assert "cannot follow its champion, version 1 goes on" in server.log
    world.mlflow = MLflowServer(world.folder, pick_port=lambda: world.port)
    world.mlflow.__enter__()
    world.point("2")
    server.wait(
        lambda: server.infer({"inputs": inputs}).json()["model_version"] == "2", "never again", 60
    )
    assert "follows its champion again" in server.log


def test_a_version_that_does_not_load_changes_nothing(world, serve):
    broken, identifier = world.add_version("broken", 0.2)
    [model] = world.mlflow.home.rglob(f"{identifier}/**/model.skops")
    model.write_bytes(b"no model")
    world.point("1", broken)
    server, inputs = serve(canary_share=1.0), tensors(make_rows(1))
    first = server.infer({"inputs": inputs}).json()
    assert (first["model_version"], first["parameters"]["role"]) == ("1", "champion")
    world.point(broken)
    failures = "prefect_mlops_server_refresh_failures_total"
    server.wait(lambda: server.metric(failures, alias="champion") > 0, "nobody noticed")
    assert server.infer({"inputs": inputs}).json()["model_version"] == "1"
    assert "version 1 goes on" in server.log


def test_it_starts_without_a_champion_and_is_ready_once_there_is_one(world, serve):
    world.client.delete_registered_model_alias(NAME, "champion")
    server, inputs = serve(ready=False), tensors(make_rows(1))
    server.wait(lambda: "calls has no champion" in server.log, "it never said why it waits")
    assert server.get("/v2/health/ready") == 400
    assert server.infer({"inputs": inputs}).status_code == 400
    world.point("2")
    server.wait(lambda: server.get("/v2/health/ready") == 200, "it never became ready")
    assert server.infer({"inputs": inputs}).json()["model_version"] == "2"


def test_sigterm_answers_what_is_in_flight_and_writes_everything(world, serve, logged):
    world.point("1", "2")
    server, inputs = serve(shadow=True, shadow_requests=1000), tensors(make_rows(1))
    answered, stopping = set(), threading.Event()

    def decoded(worker):
        with httpx.Client(trust_env=False, timeout=60) as client:
            for i in range(10_000):
                request = f"{worker}-{i}"
                try:
                    response = client.post(
                        f"{server.url}/v2/models/{NAME}/infer",
                        json={"id": request, "inputs": inputs},
                    )
                except httpx.ConnectError:
                    return
                except httpx.TransportError:
                    # A kept connection is closed between two requests.
                    assert stopping.is_set()
                    return
                assert response.status_code == 200, response.text
                answered.add(request)

    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(decoded, worker) for worker in range(10)]
        server.wait(lambda: len(answered) > 200, "too slow")
        stopping.set()
        server.stop()
        for done in calls:
            done.result()
    champion, shadow = set(logged("champion")), set(logged("shadow"))
    assert answered <= champion
    assert champion - answered <= {f"{w}-{i}" for w in range(10) for i in range(10_000)}
    assert champion == shadow


def test_columns_are_redacted_and_an_id_column_names_the_rows(serve, logged):
    server, frame = (
        serve(
            id_column="call",
            redaction={"columns": {"job": {"truncate": 2}, "call": "hash"}},
            environment={"PREFECT_MLOPS_REDACTION_KEY": "0123456789abcdef"},
        ),
        make_rows(2),
    )
    inputs = [*tensors(frame), text("call", ["a", "b"])]
    ids = outputs(server.infer({"id": "r", "inputs": inputs}))["id"]
    refused = server.infer({"inputs": [*tensors(frame), text("call", ["a", "a"])]})
    assert (refused.status_code, refused.json()["error"]) == (400, "column 'call' has an id twice")
    server.stop()
    rows = logged()
    assert set(rows) == set(ids)
    assert all(len(i) == 32 for i in ids)
    assert [rows[i]["features.job"] for i in ids] == [job[:2] for job in frame["job"]]
    assert rows[ids[0]]["request"] == "r"


@pytest.mark.mongodb
@pytest.mark.usefixtures("mongodb_uri")
def test_a_log_that_is_away_delays_nobody_and_gets_everything_afterwards(serve):
    inputs = tensors(make_rows(1))
    with mongodb_server() as database:
        server = serve(
            predictions="mongodb://nobody@nowhere/mlops",
            environment={"PREFECT_MLOPS_PREDICTIONS_URI": database.uri},
            log_flush_seconds=0.1,
            log_timeout_seconds=2.0,
        )
        database.kill()
        begun = time.monotonic()
        for i in range(100):
            assert server.infer({"id": f"away-{i}", "inputs": inputs}).status_code == 200
        assert time.monotonic() - begun < 20
        server.wait(
            lambda: server.metric("prefect_mlops_predictions_failing", model=NAME) == 1,
            "nobody noticed",
        )
        # What it cannot write it leaves to the next process.
        server.stop()
        database.start()
        server.start()
        server.wait(
            lambda: server.metric("prefect_mlops_predictions_replayed_total") == 100, "not replayed"
        )
        assert server.infer({"id": "back", "inputs": inputs}).status_code == 200
        server.stop()
        with open_store(database.uri) as store:
            rows = store.read(NAME, Window(last=1000)).to_pylist()
    assert {row["id"] for row in rows} == {"back", *(f"away-{i}" for i in range(100))}
    assert PASSWORD not in server.log
    assert quote(PASSWORD, safe="") not in server.log


@pytest.mark.parametrize(
    ("settings", "server", "message"),
    [
        ({"canary": 0.5}, {}, "canary: Extra inputs"),
        ({"predictions": "mongodb://me:hunter2@host"}, {}, "predictions: "),
        ({}, {"parallel_workers": 1}, "parallel_workers to 0"),
    ],
)
def test_settings_that_cannot_work_end_the_server_with_their_reason(
    world, tmp_path, settings, server, message
):
    extra = {"tracking_uri": "http://127.0.0.1:1", "model_name": NAME} | settings
    with ModelServer(tmp_path, extra, **server) as started:
        started.launch()
        # MLServer ends as if nothing was wrong: docs/model-server.md says what to do about it.
        assert started.wait_for_end(60) == 0
        assert message in started.log
        assert "hunter2" not in started.log

"""What only a server far away can do wrong: vanish in the middle of an answer."""

import bson
import pymongo
import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.storage.documents import encode_prediction
from prefect_mlops.storage.mongodb import MongoStore
from pymongo.monitoring import CommandListener
from support.mongodb import mongodb_server

pytestmark = pytest.mark.mongodb


@pytest.fixture
def frail(cable_uri, collection):
    """A store at the other end of the cable."""
    with MongoStore(cable_uri, collection, 5, retryReads=False, directConnection=True) as store:
        yield store


def test_a_reply_that_breaks_off_raises_and_never_shortens_a_window(
    cable, frail, predict, window, monkeypatch
):
    monkeypatch.setattr("prefect_mlops.storage.mongodb._ROWS_PER_REPLY", 10)
    frail.append([predict(str(i), i) for i in range(35)])
    for asked in (window(), Window(last=30)):
        cable.break_at = b"getMore"
        with pytest.raises(LogUnavailable, match="prediction log 127"):
            frail.read("calls", asked)
    assert frail.read("calls", window()).num_rows == 35


def test_a_server_that_restarts_between_two_replies_raises(predict, window, monkeypatch):
    monkeypatch.setattr("prefect_mlops.storage.mongodb._ROWS_PER_REPLY", 10)
    monkeypatch.setattr("prefect_mlops.storage.base._BATCH_BYTES", 1)
    with mongodb_server() as server, MongoStore(server.uri) as store:
        store.append([predict(str(i), i) for i in range(35)])
        batches = store.batches("calls", window())
        next(batches)
        server.kill()
        server.start()
        with pytest.raises(LogUnavailable):
            list(batches)
        assert store.coverage("calls", window()).rows == 35


@pytest.mark.parametrize("last", [20, None])
def test_fewer_rows_than_were_counted_raise_and_are_read_again(
    mongodb_uri, collection, predict, window, last
):
    late = [predict("late 1", 50), predict("late 2", 51)]

    class Arrive(CommandListener):
        """Rows arrive once the first reply was sent, where its cursor does not see them."""

        def started(self, event):
            if event.command_name == "aggregate" and late:
                with MongoStore(mongodb_uri, collection) as other:
                    other.append([late.pop()])

        def succeeded(self, event):
            pass

        def failed(self, event):
            pass

    with (
        pytest.MonkeyPatch.context() as patch,
        MongoStore(mongodb_uri, collection, event_listeners=[Arrive()]) as store,
    ):
        patch.setattr("prefect_mlops.storage.mongodb._ROWS_PER_REPLY", 10)
        ids = [f"{i:02d}" for i in range(30)]
        store.append([predict(id, second) for second, id in enumerate(ids)])
        asked = Window(last=last) if last else window()
        with pytest.raises(LogUnavailable, match="read again"):
            list(store.batches("calls", asked))
        found = store.read("calls", asked).column("id").to_pylist()
    assert found == [*ids, "late 1", "late 2"][-(last or 0) :]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_claim_whose_reply_was_lost_is_still_decided_by_the_server(cable, frail, arrives):
    assert frail.record("promotion", "1", "calls", {"by": "first"})
    cable.deliver, cable.break_at = arrives, b"claim"
    if arrives:
        assert frail.record("promotion", "2", "calls", {"by": "me"})
    else:
        with pytest.raises(LogUnavailable):
            frail.record("promotion", "2", "calls", {"by": "me"})
        assert frail.record("promotion", "2", "calls", {"by": "me"})
    assert not frail.record("promotion", "2", "calls", {"by": "another"})
    assert frail.journal("promotion", "calls") == [{"by": "me"}, {"by": "first"}]


def test_a_lost_reply_to_a_claim_that_was_taken_before_is_no_win(cable, frail):
    assert frail.record("promotion", "1", "calls", {"by": "first"})
    cable.deliver, cable.break_at = True, b"claim"
    assert not frail.record("promotion", "1", "calls", {"by": "me"})


def test_an_interrupted_append_can_be_repeated(cable, frail, predict, window):
    cable.deliver, cable.break_at = True, b"insert"
    rows = [predict(str(i), i) for i in range(30)]
    with pytest.raises(LogUnavailable):
        frail.append(rows)
    frail.append(rows)
    assert frail.coverage("calls", window()).rows == 30


def test_secondaries_are_not_asked_whatever_the_uri_says(mongodb_uri, collection):
    with MongoStore(mongodb_uri, collection, readPreference="secondaryPreferred") as store:
        for part in (store._predictions, store._journal._collection):
            assert part.read_preference == pymongo.ReadPreference.PRIMARY


def test_messages_quote_neither_rows_nor_password(mongodb_uri, collection, predict):
    secret = "row-content-" * 3
    document = encode_prediction(predict("a"))
    too_large = bson.encode(bson.decode(document.body) | {"f_text": secret * 1_500_000})
    with (
        MongoStore(mongodb_uri, collection, 5) as store,
        pytest.raises(LogUnavailable) as caught,
    ):
        store.append_documents([document._replace(body=too_large)])
    password = pymongo.uri_parser.parse_uri(mongodb_uri)["password"]
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "row-content" not in shown
    assert password is None or password not in shown

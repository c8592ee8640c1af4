"""A cursor's replies are pymongo's own, made in less time."""

from types import SimpleNamespace

import bson
import pymongo
import pytest
from bson import raw_bson
from prefect_mlops.storage import raw_cursor
from prefect_mlops.storage.raw_cursor import RawReplyCursor, documents_of

pytestmark = pytest.mark.mongodb
DOCUMENTS = [{"_id": i, "f_text": "x" * i, "f_list": [i, {"y": None}]} for i in range(25)]


@pytest.fixture
def documents(mongodb_uri, collection):
    with pymongo.MongoClient(mongodb_uri) as client:
        documents = client.get_default_database()[f"{collection}_documents"]
        documents.insert_many(DOCUMENTS)
        yield documents
        documents.drop()


def read(documents, wanted=None):
    return [documents_of(reply) for reply in RawReplyCursor(documents, wanted or {}, batch_size=10)]


def test_replies_are_streams_of_the_documents(documents):
    found = read(documents)
    assert len(found) == 3
    assert found == list(documents.find_raw_batches({}, batch_size=10))
    assert bson.decode_all(b"".join(found)) == DOCUMENTS


def test_a_reply_without_a_document_is_none(documents):
    assert read(documents, {"_id": -1}) == []
    assert read(documents, {"_id": {"$lt": 10}}) == [b"".join(map(bson.encode, DOCUMENTS[:10]))]


def test_what_another_pymongo_lacks_is_left_to_it(documents, monkeypatch):
    expected = read(documents)
    with monkeypatch.context() as patch:
        patch.delattr(raw_bson, "_RAW_ARRAY_BSON_OPTIONS")
        assert read(documents) == expected
    monkeypatch.setattr(raw_cursor, "bson", SimpleNamespace())
    assert read(documents) == expected


def test_an_error_of_the_server_is_raised(documents):
    with pytest.raises(pymongo.errors.OperationFailure):
        read(documents, {"$nonsense": 1})

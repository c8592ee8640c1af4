"""MongoDB deletes old predictions by itself, for as long as somebody wants it to."""

import math

import pymongo
import pytest
from prefect_mlops.storage.expiry import set_expiry
from prefect_mlops.storage.mongodb import MongoStore


@pytest.mark.mongodb
def test_a_retention_is_kept_until_somebody_says_otherwise(mongodb_uri, collection, predict):
    def expiring():
        with pymongo.MongoClient(mongodb_uri) as client:
            rows = client.get_default_database()[f"{collection}_predictions"]
            return [found for found in rows.list_indexes() if "expireAfterSeconds" in found]

    with MongoStore(mongodb_uri, collection, retention_days=30) as store:
        store.append([predict("a")])
    before = expiring()
    MongoStore(mongodb_uri, collection).close()
    assert expiring() == before
    MongoStore(mongodb_uri, collection, retention_days=math.inf).close()
    assert expiring() == []


def test_forever_takes_the_expiring_index_away_and_no_other():
    class Rows:
        """What a server with expiring indexes says: the one that tests talk to has none."""

        def __init__(self):
            self.indexes = {
                "_id_": {"key": [("_id", 1)]},
                "made_1": {"key": [("made", 1)], "expireAfterSeconds": 86_400},
                "at_1": {"key": [("at", 1)]},
            }

        def index_information(self):
            return dict(self.indexes)

        def drop_index(self, name):
            del self.indexes[name]

    rows = Rows()
    set_expiry(rows, math.inf)
    assert set(rows.indexes) == {"_id_", "at_1"}


def test_a_refusal_that_is_not_about_expiry_is_no_reason_to_go_on():
    class Refusing:
        def create_index(self, *_, **__):
            raise pymongo.errors.OperationFailure("not allowed", 13)

    with pytest.raises(pymongo.errors.OperationFailure):
        set_expiry(Refusing(), 1)

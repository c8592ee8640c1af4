"""The MongoDB server of a test run, for a conftest to import."""

import os

import pytest
from support.mongodb import NoServer
from support.mongodb import mongodb_uri as running_server


@pytest.fixture(scope="session")
def mongodb_uri():
    """URI of a server that speaks MongoDB's wire protocol; without one, `REQUIRE_MONGODB=1` fails."""
    try:
        with running_server() as uri:
            yield uri
    except NoServer as error:
        if os.environ.get("REQUIRE_MONGODB") == "1":
            pytest.fail(str(error))
        pytest.skip(f"NOT TESTED ON MONGODB: {error}")

"""The MongoDB server of a test run and a line to it, for a conftest to import."""

import os

import pymongo
import pytest
from support.cable import Cable
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


@pytest.fixture
def cable(mongodb_uri):
    """A line to that server, which breaks when a test says so."""
    [(host, port)] = pymongo.uri_parser.parse_uri(mongodb_uri)["nodelist"]
    if host not in ("127.0.0.1", "localhost"):
        pytest.skip("the server is not on this machine")
    cable = Cable(port)
    yield cable
    cable.close()


@pytest.fixture
def cable_uri(cable, mongodb_uri):
    """URI of the server at the other end of the cable."""
    port = pymongo.uri_parser.parse_uri(mongodb_uri)["nodelist"][0][1]
    return mongodb_uri.replace(f":{port}", f":{cable.port}")

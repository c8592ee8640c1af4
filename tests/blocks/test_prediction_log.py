"""How the prediction log is connected to: options that pymongo knows, over real TLS, and no secret shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from pydantic import ValidationError
from pymongo.uri_parser import parse_uri
from support.mongodb import PASSWORD
from support.tls import Authority, tls_relay

SECRET = "hunter2"
MONGO = f"mongodb://user:{SECRET}@host/mlops"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tls": True, "tlsCAFile": "/only/where/flows/run.pem"},
        {"tlsCertificateKeyFile": "client.pem", "tlsAllowInvalidHostnames": False},
        {"authMechanism": "MONGODB-X509", "authSource": "$external"},
        {"replicaSet": "rs0", "w": "majority", "readPreference": "primaryPreferred"},
        {"wtimeoutms": 500, "retryWrites": False, "compressors": "zlib", "maxPoolSize": 5},
    ],
)
def test_options_of_the_driver_are_taken(options):
    log = PredictionLog(uri=MONGO, options=options)
    assert log.options == options
    assert (
        PredictionLog.model_validate_json(
            log.model_dump_json(context={"include_secrets": True})
        ).options
        == options
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tlsCaFille": "ca.pem"}, "no path of a file|does not take option 'tlsCaFille'"),
        ({"tlsCAPath": "ca.pem"}, "does not take option 'tlsCAPath'"),
        ({"$where": "1"}, "does not take option"),
        ({"tls": "banana"}, "does not take option 'tls'"),
        ({"tlsCAFile": True}, "'tlsCAFile' is no path"),
        ({"authMechanism": "banana"}, "does not take option 'authMechanism'"),
        ({"readPreference": "banana"}, "does not take option 'readPreference'"),
        ({"password": SECRET}, "put it into the URI"),
        ({"tlsCertificateKeyFilePassword": SECRET}, "put it into the URI"),
        ({"authMechanismProperties": {"AWS_SESSION_TOKEN": SECRET}}, "put it into the URI"),
    ],
)
def test_other_options_are_refused_by_name_without_connecting(options, expected):
    log = PredictionLog(uri=MONGO)
    for refused in (
        lambda: PredictionLog(uri=MONGO, options=options),
        lambda: setattr(log, "options", options),
    ):
        with pytest.raises(ValidationError, match=expected) as caught:
            refused()
        assert SECRET not in f"{caught.value} {caught.value.errors()}"
    assert log.options == {}


def test_sqlite_takes_no_options():
    with pytest.raises(ValidationError, match="SQLite takes no client options"):
        PredictionLog(uri="sqlite:///p.db", options={"tls": True})


@pytest.mark.parametrize("uri", [f"ftp://user:{SECRET}@host/db", [SECRET], {"a": SECRET}])
def test_a_uri_that_is_set_later_is_checked_and_hidden(uri):
    log = PredictionLog(uri="sqlite:///p.db")
    with pytest.raises(ValidationError) as caught:
        log.uri = uri
    assert SECRET not in f"{caught.value} {caught.value.errors()}"
    log.uri = MONGO
    assert log.uri.get_secret_value() == MONGO
    assert SECRET not in f"{log!r} {log}"


def test_an_authority_that_is_not_there_is_a_mistake_of_the_settings():
    log = PredictionLog(uri=MONGO, options={"tls": True, "tlsCAFile": "nowhere.pem"})
    with pytest.raises(ConfigurationError, match="tlsCAFile") as caught:
        log.get_client()
    assert SECRET not in str(caught.value)


@pytest.mark.mongodb
class TestTls:
    KEY_PASSWORD = "k&y p@ss/w:rd%"

    @pytest.fixture(scope="class")
    def authority(self, tmp_path_factory) -> Authority:
        return Authority(tmp_path_factory.mktemp("authority"))

    @pytest.fixture(scope="class")
    def backend(self, mongodb_uri) -> tuple[str, int]:
        return parse_uri(mongodb_uri)["nodelist"][0]

    @pytest.fixture(scope="class")
    def port(self, backend, authority):
        """Port of a relay that anybody may connect to."""
        with tls_relay(backend, authority.issue("server")) as port:
            yield port

    @pytest.fixture(scope="class")
    def strict_port(self, backend, authority):
        """Port of a relay that asks for a client's certificate."""
        with tls_relay(backend, authority.issue("strict"), authority.path) as port:
            yield port

    @pytest.fixture
    def log_at(self, mongodb_uri, backend):
        """A function that makes a log behind a relay."""

        def make(port: int, extra: str = "", **options) -> PredictionLog:
            uri = mongodb_uri.replace(f"{backend[0]}:{backend[1]}", f"127.0.0.1:{port}") + extra
            options = {"directConnection": True, **options}
            return PredictionLog(uri=uri, options=options, timeout_seconds=2.0)

        return make

    def refused(self, log: PredictionLog) -> str:
        with pytest.raises(LogUnavailable) as caught:
            log.get_client()
        error = caught.value
        said = f"{error} {error!r} {error.__cause__!r}"
        for secret in (PASSWORD, self.KEY_PASSWORD):
            assert secret not in said
            assert quote(secret, safe="") not in said
        return said

    def test_a_server_with_a_certificate_of_the_authority_is_trusted(self, log_at, port, authority):
        log = log_at(port, tls=True, tlsCAFile=str(authority.path))
        with log.get_client() as store:
            assert store.journal("promotion", "calls") == []

    def test_the_options_of_a_call_go_before_those_of_the_block(self, log_at, port, authority):
        log = log_at(port, tls=True, tlsCAFile="nowhere.pem")
        with log.get_client(tlsCAFile=str(authority.path)) as store:
            assert store.journal("promotion", "calls") == []

    def test_another_authority_is_not(self, log_at, port, tmp_path):
        other = Authority(tmp_path, "other")
        said = self.refused(log_at(port, tls=True, tlsCAFile=str(other.path)))
        assert "certificate verify failed" in said

    def test_without_tls_nothing_is_said_to_the_server(self, log_at, port):
        assert "expected a MongoDB server that answers" in self.refused(log_at(port))

    def test_a_client_shows_its_certificate(self, log_at, strict_port, authority):
        trusted = {"tls": True, "tlsCAFile": str(authority.path)}
        client = str(authority.issue("client"))
        log = log_at(strict_port, tlsCertificateKeyFile=client, **trusted)
        with log.get_client() as store:
            assert store.journal("promotion", "calls") == []
        assert "expected a MongoDB server that answers" in self.refused(
            log_at(strict_port, **trusted)
        )

    def test_the_password_of_a_key_file_travels_in_the_uri(self, log_at, strict_port, authority):
        options = {
            "tls": True,
            "tlsCAFile": str(authority.path),
            "tlsCertificateKeyFile": str(authority.issue("locked", self.KEY_PASSWORD)),
        }
        secret = f"&tlsCertificateKeyFilePassword={quote(self.KEY_PASSWORD, safe='')}"
        with log_at(strict_port, secret, **options).get_client() as store:
            store.ping()
        wrong = log_at(strict_port, secret + "x", **options)
        with pytest.raises(ConfigurationError) as caught:
            wrong.get_client()
        assert self.KEY_PASSWORD not in str(caught.value)

"""Opening a prediction log: what is refused, and that no message quotes a password."""

import pytest
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from prefect_mlops.storage.mongodb import MongoStore
from prefect_mlops.storage.open import open_store
from prefect_mlops.storage.sqlite import SqliteStore
from prefect_mlops.storage.uris import check_uri

SECRET = "s3cret"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "predictions.db",
        "sqlite://predictions.db",
        "sqlite:///",
        "sqlite:///:memory:",
        f"postgresql://me:{SECRET}@host/db",
        f"mongodb://me:{SECRET}@host",
        f"mongodb://me:{SECRET}@host/",
        f"mongodb://me:{SECRET}@[host/db",
        f"mongodb://me:{SECRET}@host:port/db",
        f"mongodb://me:{SECRET}:x@host/db",
        f"mongodb://me:{SECRET}%zz@@host/db",
        f"mongodb://me:{SECRET}/x@host/db",
        f"mongodb://me:{SECRET}@host:99999/db",
    ],
)
def test_a_uri_that_cannot_work_is_refused_without_quoting_it(uri):
    with pytest.raises(ConfigurationError, match="expected") as caught:
        open_store(uri, timeout_seconds=0.2)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("sqlite:///relative/path.db", "sqlite"),
        ("sqlite:////absolute/path.db", "sqlite"),
        ("mongodb://host/db", "mongodb"),
        ("mongodb://me:pw@one:27017,two:27017/db?replicaSet=rs", "mongodb"),
        ("mongodb+srv://host/db", "mongodb"),
    ],
)
def test_a_uri_that_may_work_is_recognised(uri, kind):
    assert check_uri(uri) == kind


@pytest.mark.parametrize(
    "collection", ["", "Upper", "1st", "a-b", "a; DROP TABLE x", "a" * 41, "é"]
)
def test_a_collection_that_is_no_prefix_is_refused(tmp_path, collection):
    with pytest.raises(ConfigurationError, match="prefix"):
        SqliteStore(tmp_path / "p.db", collection)
    with pytest.raises(ConfigurationError, match="prefix"):
        MongoStore("mongodb://127.0.0.1:1/db", collection)


def test_sqlite_takes_no_client_options(tmp_path):
    with pytest.raises(ConfigurationError, match="tls"):
        open_store(f"sqlite:///{tmp_path}/p.db", tls=True)


def test_a_client_option_that_cannot_work_is_refused_by_name_only():
    with pytest.raises(ConfigurationError, match="tlsCAFile") as caught:
        open_store("mongodb://127.0.0.1:1/db", tls=True, tlsCAFile=f"/{SECRET}")
    assert SECRET not in str(caught.value)


def test_relative_and_absolute_paths_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///deep/er/relative.db").close()
    open_store(f"sqlite:///{tmp_path}/absolute.db").close()
    assert (tmp_path / "deep/er/relative.db").exists()
    assert (tmp_path / "absolute.db").exists()


def test_a_server_that_is_not_there_is_unavailable_and_the_password_stays_secret():
    with pytest.raises(LogUnavailable, match=r"127\.0\.0\.1:1/db.*refused") as caught:
        open_store(f"mongodb://me:{SECRET}@127.0.0.1:1/db?authSource=admin", timeout_seconds=0.2)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.mongodb
def test_a_wrong_password_is_unavailable_and_stays_secret(mongodb_uri):
    host = mongodb_uri.rpartition("@")[2]
    with pytest.raises(LogUnavailable, match=r"(?i)auth") as caught:
        open_store(f"mongodb://intruder:{SECRET}@{host}", timeout_seconds=5)
    assert SECRET not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for path in (tmp_path / "file" / "p.db", "/proc/predictions/p.db"):
        with pytest.raises(LogUnavailable, match=r"p\.db"):
            open_store(f"sqlite:///{path}")


def test_a_folder_in_the_place_of_the_file_is_unavailable(tmp_path):
    with pytest.raises(LogUnavailable, match="unable to open"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    "content", [b"no database at all " * 100, b"SQLite format 3\x00" + b"\xff" * 4096]
)
def test_a_corrupt_file_is_unavailable_and_left_alone(tmp_path, content):
    path = tmp_path / "p.db"
    path.write_bytes(content)
    with pytest.raises(LogUnavailable, match=r"p\.db"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == content

"""The model server predicts with the versions that the model was trained with."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "requirements-serving.lock").exists(), reason="the wheel has no locks"
)


def versions(name):
    pins = (line.partition("==") for line in (ROOT / name).read_text().splitlines())
    return {package: version.partition(" ")[0] for package, _, version in pins}


@pytest.mark.parametrize(
    "package",
    ["mlflow-skinny", "numpy", "pandas", "scikit-learn", "scipy", "skops", "pydantic", "pymongo"],
)
def test_both_locks_have_one_version(package):
    assert (
        versions("requirements-serving.lock")[package] == versions("requirements-dev.lock")[package]
    )

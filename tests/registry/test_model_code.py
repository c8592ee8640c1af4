"""A model is shipped with the user's modules that it reaches, and requires the packages that these import."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.version import VERSION
from prefect_mlops.registry.model_code import code_of, imports_of

FILES = {
    "shop_one.py": "import os, lightgbm\nfrom shop_pack.inner import deep as d\nclass Ratio: pass\n",
    "shop_pack/__init__.py": "",
    "shop_pack/inner/__init__.py": "from . import helper\n",
    "shop_pack/inner/deep.py": "from ..sibling import *\ndef f():\n    import shop_two\n",
    "shop_pack/inner/helper.py": "try:\n    import not_there\nexcept ImportError:\n    pass\n",
    "shop_pack/sibling.py": "from sklearn import base\n",
    "shop_pack/unused.py": "raise RuntimeError\n",
    "shop_pack/data.csv": "secret",
    "shop_two.py": "import shop_one\nif __name__ == '__main__':\n    import shop_script\n",
    "shop_script.py": "import shop_pack.unused\n",
}


@pytest.fixture(autouse=True)
def _modules(monkeypatch, tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "src")
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.startswith("shop_")]:
        del sys.modules[name]


def test_what_is_reached_is_shipped_and_nothing_else(tmp_path):
    code = code_of(["shop_one.Ratio", "collections.OrderedDict"])
    assert set(code.files) == {
        "shop_one.py",
        "shop_two.py",
        "shop_pack/__init__.py",
        "shop_pack/sibling.py",
        "shop_pack/inner/__init__.py",
        "shop_pack/inner/deep.py",
        "shop_pack/inner/helper.py",
    }
    assert code.requirements["lightgbm"] == version("lightgbm")
    target = tmp_path / "modules"
    target.mkdir()
    assert [path.rpartition("/")[2] for path in code.copy_to(target)] == [
        "shop_one.py",
        "shop_pack",
        "shop_two.py",
    ]
    for name in code.files:
        assert (target / name).read_text() == FILES[name]


def test_installed_packages_are_required_and_not_shipped():
    code = code_of(["lightgbm.sklearn.LGBMClassifier", "prefect_mlops.models.feature_steps.X"])
    assert code.files == {}
    assert code.requirements == {"lightgbm": version("lightgbm"), "prefect-mlops": VERSION}


def test_the_distribution_that_brings_a_module_is_named_as_it_is_installed():
    (package,) = code_of(["xgboost.core.Booster"]).requirements
    assert package in ("xgboost", "xgboost-cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("__main__.Ratio", "define it in a module of its own"),
        ("no_such_module.Ratio", "is in no module that can be found here"),
    ],
)
def test_what_cannot_be_shipped_is_refused(name, message):
    with pytest.raises(ConfigurationError, match=message):
        code_of([name])


def test_a_module_without_a_python_file_is_refused(tmp_path):
    (tmp_path / "src" / "shop_fast.so").write_bytes(b"")
    (tmp_path / "src" / "shop_binary").mkdir()
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (tmp_path / "src" / f"shop_native{suffix}").write_bytes(b"")
    importlib.invalidate_caches()
    with pytest.raises(ConfigurationError, match="shop_native, which has no Python file"):
        code_of(["shop_native.Thing"])


@pytest.mark.parametrize(
    "condition", ["__name__ == '__main__'", '"__main__" == __name__', "TYPE_CHECKING"]
)
def test_what_is_imported_for_scripts_and_type_checkers_does_not_count(condition):
    text = f"if {condition}:\n    import a\nelse:\n    import b\nimport c"
    assert {*imports_of(text, "")} == {"b", "c"}


part = st.sampled_from(["a", "b", "c"])
dotted = st.lists(part, min_size=1, max_size=3).map(".".join)


@given(dotted, st.lists(part, min_size=1, max_size=3), st.booleans())
def test_absolute_imports_are_named_in_full(module, names, nested):
    text = f"from {module} import {', '.join(names)}\nimport {module} as m"
    if nested:
        text = "def f():\n" + "".join(f"    {line}\n" for line in text.splitlines())
    assert {*imports_of(text, "pack")} == {*(f"{module}.{n}" for n in names), module}


@given(st.lists(part, min_size=1, max_size=4), st.data())
def test_relative_imports_start_where_python_starts_them(parents, data):
    package = ".".join(parents)
    level = data.draw(st.integers(1, len(parents)))
    module = data.draw(st.one_of(st.just(""), dotted))
    expected = importlib.util.resolve_name("." * level + module, package)
    (found,) = imports_of(f"from {'.' * level}{module} import thing", package)
    assert found == f"{expected.rstrip('.')}.thing"


def test_a_users_module_of_a_name_that_an_installed_package_claims_is_shipped(
    monkeypatch, tmp_path
):
    """Deepchecks installs a package `benchmarks`, and a user has one, too."""
    assert code_of(["benchmarks.tabular_bench.run"]).requirements == {
        "deepchecks": version("deepchecks")
    }
    mine = tmp_path / "src" / "benchmarks"
    mine.mkdir()
    (mine / "__init__.py").write_text("")
    (mine / "mine.py").write_text("import lightgbm\nclass Half: pass\n")
    _forget(monkeypatch, "benchmarks")
    importlib.invalidate_caches()
    code = code_of(["benchmarks.mine.Half"])
    assert set(code.files) == {"benchmarks/__init__.py", "benchmarks/mine.py"}
    assert code.requirements == {"lightgbm": version("lightgbm")}


def test_of_packages_that_share_a_namespace_the_one_with_the_module_is_required():
    assert set(code_of(["google.protobuf.message.Message"]).requirements) == {"protobuf"}


def _forget(monkeypatch, top):
    for name in [name for name in sys.modules if name.partition(".")[0] == top]:
        monkeypatch.delitem(sys.modules, name)


def _install(place, metadata, listed):
    """Lay out what an installer leaves of a distribution with one module."""
    folder = place / metadata
    folder.mkdir(parents=True)
    kind = "METADATA" if metadata.endswith(".dist-info") else "PKG-INFO"
    (folder / kind).write_text("Metadata-Version: 2.1\nName: shop-sold\nVersion: 1.5\n")
    (folder / "top_level.txt").write_text("shop_sold\n")
    if listed:
        (folder / listed[0]).write_text(listed[1])
    (place / "shop_sold.py").write_text("class Thing: pass\n")


@pytest.mark.parametrize(
    ("metadata", "listed", "required"),
    [
        ("shop_sold-1.5.dist-info", ("RECORD", "shop_sold.py,,\n"), True),
        # What the package manager of a system lays out names no files.
        ("shop_sold-1.5.egg-info", None, True),
        # Edited in place, by the old way: no index has it.
        ("shop_sold.egg-info", ("SOURCES.txt", "shop_sold.py\n"), False),
        # Edited in place, by the new way.
        ("shop_sold-1.5.dist-info", ("RECORD", "__editable__.shop_sold.pth,,\n"), False),
    ],
)
def test_a_package_is_required_only_where_its_installer_brought_the_module(
    monkeypatch, tmp_path, metadata, listed, required
):
    _install(tmp_path / "place", metadata, listed)
    monkeypatch.syspath_prepend(tmp_path / "place")
    code = code_of(["shop_sold.Thing"])
    assert code.requirements == ({"shop-sold": "1.5"} if required else {})
    assert set(code.files) == (set() if required else {"shop_sold.py"})

from pathlib import Path

import pytest

from tools.pins import differences, manifests, pins_of, read_pins, replace_pins

MANIFEST = """\
[project]
name = "root" # kept as it is

[tool.uv]
constraint-dependencies = [
    "old==1",
]

[tool.uv.workspace]
members = ["packages/*"]
"""
LOCK = """\
version = 1

[[package]]
name = "ours"
version = "0.1.0"
source = { editable = "packages/ours" }

[[package]]
name = "two"
version = "1.0"
source = { registry = "somewhere" }
resolution-markers = ["python_full_version < '3.12'"]

[[package]]
name = "two"
version = "2.0"
source = { registry = "somewhere" }
resolution-markers = ["python_full_version == '3.12.*'", "python_full_version >= '3.13'"]

[[package]]
name = "one-more"
version = "2.0"
source = { registry = "somewhere" }

[[package]]
name = "one"
version = "1.0"
source = { registry = "somewhere" }
resolution-markers = ["python_full_version < '3.12'"]
"""


def test_pins_are_replaced_and_the_rest_stays() -> None:
    replaced = replace_pins(MANIFEST, ["a==1", "b==2 ; python_full_version < '3.12'"])
    assert read_pins(replaced) == ["a==1", "b==2 ; python_full_version < '3.12'"]
    assert replace_pins(replaced, ["old==1"]) == MANIFEST


def test_the_list_can_be_emptied_and_filled_again() -> None:
    empty = replace_pins(MANIFEST, [])
    assert read_pins(empty) == []
    assert replace_pins(empty, ["old==1"]) == MANIFEST


def test_a_manifest_without_a_list_is_refused_with_what_it_needs() -> None:
    with pytest.raises(ValueError, match="constraint-dependencies"):
        replace_pins("[tool.uv]\n", ["a==1"])


def test_what_is_not_ours_is_pinned_and_a_marker_distinguishes_two_versions() -> None:
    assert pins_of(LOCK) == [
        "one==1.0",
        "one-more==2.0",
        "two==1.0 ; python_full_version < '3.12'",
        "two==2.0 ; python_full_version == '3.12.*' or python_full_version >= '3.13'",
    ]


def test_equal_pins_do_not_differ() -> None:
    assert list(differences(["a==1", "b==2"], ["b==2", "a==1"])) == []


def test_each_difference_names_its_package() -> None:
    pinned = ["changed==1", "gone==1", "same==1", "split==1"]
    locked = ["changed==2", "new==1", "same==1", "split==1 ; a", "split==2 ; b"]
    assert list(differences(pinned, locked)) == [
        "changed: pinned is changed==1, locked is changed==2",
        "gone: pinned is gone==1, locked is nothing",
        "new: pinned is nothing, locked is new==1",
        "split: pinned is split==1, locked is split==1 ; a, split==2 ; b",
    ]


def test_the_manifests_are_those_of_the_root_and_of_its_members(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "packages/one/pyproject.toml", "elsewhere/pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(MANIFEST)
    found = [str(path.relative_to(tmp_path)) for path in manifests(tmp_path)]
    assert found == ["pyproject.toml", "packages/one/pyproject.toml"]

from dataclasses import replace
from pathlib import Path

import pytest

from tools.mutate import Mutant, find_stale, find_survivors, read_mutants


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "packages" / "one" / "src").mkdir(parents=True)
    (tmp_path / "packages" / "one" / "src" / "numbers_of_one.py").write_text("def two():\n    return 2\n")
    (tmp_path / "test_two.py").write_text(
        "from numbers_of_one import two\n\ndef test_two():\n    assert two() > 1\n"
    )
    return tmp_path


def mutant(old: str, new: str) -> Mutant:
    return Mutant(f"{old} is {new}", "packages/one/src/numbers_of_one.py", old, new, ("test_two.py",))


def test_mutants_are_read_with_the_source_folder_and_the_tests_of_their_part(tmp_path: Path) -> None:
    (tmp_path / "mutants.toml").write_text(
        """
        [one]
        source = "packages/one/src"
        tests = ["test_two.py", "-k", "two"]

        [[one.mutants]]
        fault = "returns one"
        file = "numbers_of_one.py"
        old = "2"
        new = "1"
        """
    )
    assert list(read_mutants(tmp_path / "mutants.toml")) == [
        Mutant(
            "one: returns one",
            "packages/one/src/numbers_of_one.py",
            "2",
            "1",
            ("test_two.py", "-k", "two"),
        )
    ]


def test_a_mutant_that_fails_a_test_is_noticed_and_one_that_fails_none_survives(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_survivors(workspace, [mutant("2", "1"), mutant("2", "3")]) == ["2 is 3"]
    assert [line.split(maxsplit=3)[3] for line in capsys.readouterr().out.splitlines()] == [
        "noticed by 1 tests",
        "SURVIVED",
    ]
    assert "return 2" in (workspace / "packages/one/src/numbers_of_one.py").read_text()


def test_all_mutants_whose_text_is_not_found_exactly_once_are_listed(workspace: Path) -> None:
    in_no_file = replace(mutant("2", "1"), file="packages/one/src/gone.py")
    missing, ambiguous, gone = find_stale(
        workspace, [mutant("2", "1"), mutant("4", "5"), mutant("t", "T"), in_no_file]
    )
    assert "mutant '4 is 5': packages/one/src/numbers_of_one.py has its old text 0 times" in missing
    assert "mutant 't is T': packages/one/src/numbers_of_one.py has its old text 2 times" in ambiguous
    assert "packages/one/src/gone.py has its old text 0 times" in gone


def test_tests_that_fail_before_anything_is_broken_are_an_error(workspace: Path) -> None:
    (workspace / "test_two.py").write_text("def test_two():\n    assert False\n")
    with pytest.raises(RuntimeError, match="before anything is broken"):
        find_survivors(workspace, [mutant("2", "1")])

from pathlib import Path

import pytest

from tools.mutate import ROOT, Mutant, find_survivors, read_mutants


@pytest.mark.parametrize("mutant", list(read_mutants()), ids=lambda mutant: mutant.name)
def test_every_mutant_still_finds_what_it_breaks(mutant: Mutant) -> None:
    mutant.check(ROOT)


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


def test_what_no_test_notices_survives_and_the_file_is_mended(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_survivors(workspace, [mutant("2", "1"), mutant("2", "3")]) == ["2 is 3"]
    assert [line.split(maxsplit=3)[3] for line in capsys.readouterr().out.splitlines()] == [
        "noticed by 1 tests",
        "SURVIVED",
    ]
    assert "return 2" in (workspace / "packages/one/src/numbers_of_one.py").read_text()


def test_a_mutant_that_finds_nothing_to_break_is_an_error(workspace: Path) -> None:
    with pytest.raises(ValueError, match="0 times"):
        find_survivors(workspace, [mutant("4", "5")])


def test_tests_that_fail_before_anything_is_broken_are_an_error(workspace: Path) -> None:
    (workspace / "test_two.py").write_text("def test_two():\n    assert False\n")
    with pytest.raises(RuntimeError, match="before anything is broken"):
        find_survivors(workspace, [mutant("2", "1")])

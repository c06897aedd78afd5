from collections.abc import Callable
from pathlib import Path

import pytest

from platform_interfaces import MigrationError
from platform_migrate import create
from platform_migrate.files import load, read_files

Write = Callable[[str, str], Path]
GOOD = "async def up(conn): pass\n"


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path, write: Write) -> None:
    for name in ("1000_d", "009_a", "100_c", "010_b"):
        write(name, GOOD)
    assert [file.number for file in read_files(tmp_path)] == [9, 10, 100, 1000]


def test_what_is_no_migration_is_left_aside(tmp_path: Path, write: Write) -> None:
    for name in ("_helpers", "__init__", ".hidden", "~backup"):
        write(name, "this is no Python")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "001_folder.py").mkdir()
    (tmp_path / "notes.md").write_text("no migration")
    assert read_files(tmp_path) == []


def test_all_badly_named_files_are_refused_at_once(tmp_path: Path, write: Write) -> None:
    for name in ("bad", "1x_a", "-1_a", "01_a", "001_A"):
        write(name, GOOD)
    with pytest.raises(MigrationError) as caught:
        read_files(tmp_path)
    for name in ("bad.py", "1x_a.py", "-1_a.py", "01_a.py", "001_A.py"):
        assert name in str(caught.value)


def test_a_number_used_twice_is_refused_with_both_files(tmp_path: Path, write: Write) -> None:
    write("001_a", GOOD)
    write("0001_b", GOOD)
    with pytest.raises(MigrationError, match=r"001_a\.py and .*0001_b\.py|0001_b\.py and .*001_a\.py"):
        read_files(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no/such"):
        read_files(tmp_path / "no/such")


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "001_a.py").write_bytes(b"# \xff\n")
    with pytest.raises(MigrationError, match=r"001_a\.py' is not UTF-8"):
        read_files(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "def up(conn): pass",
        "async def down(conn): pass",
        "up = 1",
        "async def up(conn): pass\ndef down(conn): pass",
        "async def up(conn: pass",
        "import no_such_module",
        "raise RuntimeError('at import')",
    ],
)
def test_a_file_that_cannot_be_a_migration_is_refused_by_name(
    tmp_path: Path, write: Write, text: str
) -> None:
    write("001_a", text)
    [file] = read_files(tmp_path)
    with pytest.raises(MigrationError, match="'001_a'"):
        load(file)


def test_the_text_that_was_read_is_run_even_if_the_file_changes(tmp_path: Path, write: Write) -> None:
    path = write("001_a", GOOD)
    [file] = read_files(tmp_path)
    path.write_text("not Python any more")
    assert load(file).down is None
    assert list(tmp_path.iterdir()) == [path]


def test_create_takes_the_next_number(tmp_path: Path, write: Write) -> None:
    write("003_a", GOOD)
    write("007_b", GOOD)
    path = create("Add users-table", directory=tmp_path)
    assert path == tmp_path / "008_add_users_table.py"
    assert load(read_files(tmp_path)[-1]).down is not None
    write("999_c", GOOD)
    assert create("more", directory=tmp_path).name == "1000_more.py"


def test_create_makes_the_folder_and_starts_at_one(tmp_path: Path) -> None:
    assert create("first", directory=tmp_path / "a" / "b") == tmp_path / "a" / "b" / "001_first.py"


@pytest.mark.parametrize("name", ["", "  ", "---", "../evil", "a/b", "a.b", "ümlaut", "a\nb", "a'b"])
def test_create_refuses_names_without_words_or_with_odd_characters(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        create(name, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []

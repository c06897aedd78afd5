import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier

import pytest

from platform_migrate import MigrationRefusedError, Source, check_files, create
from platform_migrate.files import read_files
from platform_migrate.loading import load

Write = Callable[[str, str], Path]
GOOD = "async def up(conn): pass\n"


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path, write: Write) -> None:
    """Case 2."""
    for name in ("1000_d", "009_a", "100_c", "010_b"):
        write(name, GOOD)
    assert [file.number for file in read_files(Source(tmp_path))] == [9, 10, 100, 1000]


def test_other_files_are_ignored(tmp_path: Path, write: Write) -> None:
    """Case 4."""
    for name in ("_helpers", "__init__", ".hidden", "~backup"):
        write(name, "this is not Python")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "001_stale.pyc").write_bytes(b"bytecode")
    (tmp_path / "001_folder.py").mkdir()
    (tmp_path / "notes.md").write_text("not a migration")
    assert read_files(Source(tmp_path)) == []


def test_all_badly_named_files_are_refused_at_once(tmp_path: Path, write: Write) -> None:
    """Case 4."""
    for name in ("bad", "1x_a", "-1_a", "01_a", "001_A", "٠٠١_a"):
        write(name, GOOD)
    with pytest.raises(MigrationRefusedError) as caught:
        read_files(Source(tmp_path))
    for name in ("bad.py", "1x_a.py", "-1_a.py", "01_a.py", "001_A.py", "٠٠١_a.py"):
        assert name in str(caught.value)


def test_a_number_used_twice_is_refused_with_both_files(tmp_path: Path, write: Write) -> None:
    """Case 3."""
    write("001_a", GOOD)
    write("0001_b", GOOD)
    with pytest.raises(MigrationRefusedError, match=r"001_a\.py and .*0001_b\.py|0001_b\.py and .*001_a\.py"):
        read_files(Source(tmp_path))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """Case 1."""
    with pytest.raises(MigrationRefusedError, match="no/such"):
        read_files(Source(tmp_path / "no/such"))


def test_an_empty_folder_has_no_migrations(tmp_path: Path) -> None:
    """Case 1."""
    assert read_files(Source(tmp_path)) == []


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    """Case 29."""
    (tmp_path / "001_a.py").write_bytes(b"# \xff\n")
    with pytest.raises(MigrationRefusedError, match=r"001_a\.py' is not UTF-8"):
        read_files(Source(tmp_path))


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
        "raise SystemExit(0)",
    ],
)
def test_a_file_that_cannot_be_a_migration_is_refused_by_name(
    tmp_path: Path, write: Write, text: str
) -> None:
    """Case 10."""
    write("001_a", text)
    [file] = read_files(Source(tmp_path))
    with pytest.raises(MigrationRefusedError, match="'001_a'"):
        load(file)


def test_checking_files_names_all_that_cannot_be_loaded(tmp_path: Path, write: Write) -> None:
    write("001_a", GOOD)
    assert check_files([Source(tmp_path)]) == ("001_a",)
    write("002_b", "import no_such_module")
    write("003_c", "def up(conn): pass")
    with pytest.raises(MigrationRefusedError, match=r"'002_b'.*no_such_module.*'003_c'"):
        check_files([Source(tmp_path)])


def test_the_text_that_was_read_is_run_even_if_the_file_changes(tmp_path: Path, write: Write) -> None:
    path = write("001_a", GOOD)
    [file] = read_files(Source(tmp_path))
    path.write_text("not Python any more")
    assert load(file).down is None
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_define_dataclasses_with_postponed_annotations_at_its_top_and_in_up(
    tmp_path: Path, write: Write
) -> None:
    define = "@dataclass\n{0}class Row:\n{0}    id: int"
    write(
        "001_a",
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        + define.format("")
        + "\nasync def up(conn):\n    "
        + define.format("    ")
        + "\n    conn.append(Row(1).id)\n",
    )
    [file] = read_files(Source(tmp_path))
    found: list[int] = []
    asyncio.run(load(file).up(found))  # type: ignore[arg-type]  # what up() is given is up to its caller
    assert found == [1]


def test_a_file_that_cannot_be_loaded_leaves_no_module_behind(tmp_path: Path, write: Write) -> None:
    write("001_half_defined", "rows = 1\nraise RuntimeError")
    [file] = read_files(Source(tmp_path))
    with pytest.raises(MigrationRefusedError):
        load(file)
    assert not [name for name in sys.modules if name.endswith("001_half_defined")]


def test_create_takes_the_next_number(tmp_path: Path, write: Write) -> None:
    """Case 28."""
    write("003_a", GOOD)
    write("007_b", GOOD)
    path = create("Add users-table", directory=tmp_path)
    assert path == tmp_path / "008_add_users_table.py"
    assert load(read_files(Source(tmp_path))[-1]).down is not None
    write("999_c", GOOD)
    assert create("more", directory=tmp_path).name == "1000_more.py"


def test_create_makes_the_folder_and_starts_at_one(tmp_path: Path) -> None:
    """Case 28."""
    assert create("first", directory=tmp_path / "a" / "b") == tmp_path / "a" / "b" / "001_first.py"


@pytest.mark.parametrize("name", ["", "  ", "---", "../evil", "a/b", "a.b", "ümlaut", "a\nb", "a'b"])
def test_create_refuses_names_without_words_or_with_odd_characters(tmp_path: Path, name: str) -> None:
    """Case 28."""
    with pytest.raises(ValueError, match="cannot name a migration"):
        create(name, directory=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_several_that_create_at_once_no_two_get_the_same_number(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Case 28."""
    barrier = Barrier(4)

    def race(number: int) -> list[Path]:
        barrier.wait()
        made = []
        for attempt in range(50):
            with suppress(MigrationRefusedError):
                made.append(create(f"racer {number} {attempt}", directory=tmp_path))
        return made

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns at every step, as processes would
    request.addfinalizer(lambda: sys.setswitchinterval(interval))
    with ThreadPoolExecutor(4) as threads:
        made = [path for paths in threads.map(race, range(4)) for path in paths]
    assert [file.path.name for file in read_files(Source(tmp_path))] == sorted(path.name for path in made)
    assert len(list(tmp_path.iterdir())) == len(made) > 0


def test_a_leftover_of_an_interrupted_create_is_named(tmp_path: Path) -> None:
    """Case 28."""
    (tmp_path / ".001.draft").touch()
    with pytest.raises(MigrationRefusedError, match=r"\.001\.draft"):
        create("first", directory=tmp_path)


@pytest.mark.parametrize("parent", ["site-packages", "dist-packages", "vendor"])
def test_create_writes_nothing_into_an_installed_package(tmp_path: Path, parent: str) -> None:
    package = tmp_path / parent / "hello_job"
    package.mkdir(parents=True)
    (tmp_path / "vendor" / "hello_job-1.0.dist-info").mkdir(
        parents=True
    )  # as `pip install --target` leaves it
    link = tmp_path / "link"
    link.symlink_to(package)
    for folder in (package / "migrations", package, link / "migrations"):
        with pytest.raises(MigrationRefusedError, match="part of an installed package"):
            create("add users", directory=folder)
    assert list(package.iterdir()) == []

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platform_migrate import MigrationRefusedError, Source, State, StatusSummary
from platform_migrate.files import MigrationFile, read_files
from platform_migrate.planner import plan_down, plan_mark_applied, plan_mark_pending, plan_up
from platform_migrate.status import AppliedRow, plan_status

NOW = datetime(2026, 1, 15, tzinfo=UTC)


def files(*numbers: int) -> list[MigrationFile]:
    return [MigrationFile(Path(f"{number:03}_step.py"), f"text {number}") for number in numbers]


def rows(*numbers: int) -> list[AppliedRow]:
    checksums = {file.name: file.checksum for file in files(*numbers)}
    return [
        AppliedRow(order, name, NOW, checksum) for order, (name, checksum) in enumerate(checksums.items(), 1)
    ]


def numbers(planned: list[MigrationFile]) -> list[int]:
    return [file.number for file in planned]


def states(found: list[MigrationFile], applied: list[AppliedRow]) -> list[tuple[int, State]]:
    return [(status.number, status.state) for status in plan_status(found, applied)]


def test_everything_pending_is_applied_in_order() -> None:
    assert numbers(plan_up(files(1, 2, 3), rows(1))) == [2, 3]
    assert numbers(plan_up(files(1, 2, 3), [])) == [1, 2, 3]
    assert plan_up([], []) == []


def test_a_target_is_included_and_what_is_above_it_is_not() -> None:
    assert numbers(plan_up(files(1, 2, 3), rows(1), target=2)) == [2]


@pytest.mark.parametrize("target", [-1, 0, 4, 1])
def test_a_target_that_is_unknown_negative_or_below_the_current_one_is_refused(target: int) -> None:
    """Case 9."""
    with pytest.raises(MigrationRefusedError, match=f"migration {target}"):
        plan_up(files(1, 2, 3), rows(1, 2), target=target)


def test_of_many_numbers_the_first_and_the_last_are_listed() -> None:
    with pytest.raises(MigrationRefusedError, match=r"there are 1, 2, 3, …, 298, 299, 300$"):
        plan_up(files(*range(1, 301)), [], target=301)
    with pytest.raises(MigrationRefusedError, match=r"there are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10$"):
        plan_up(files(*range(1, 11)), [], target=301)


@pytest.mark.parametrize("applied", [(1, 2), (1, 2, 9)])
def test_a_target_equal_to_the_current_one_is_nothing_to_do(applied: tuple[int, ...]) -> None:
    """Case 9."""
    assert plan_up(files(1, 2), rows(*applied), target=2) == []


def test_gaps_between_numbers_are_fine() -> None:
    assert numbers(plan_up(files(2, 7, 20260115120000), rows(2))) == [7, 20260115120000]


@pytest.mark.parametrize("target", [None, 6])
def test_a_pending_file_below_an_applied_one_is_refused_unless_allowed(target: int | None) -> None:
    """Case 5."""
    with pytest.raises(MigrationRefusedError, match=r"004_step is out of order.*--allow-out-of-order"):
        plan_up(files(1, 2, 3, 4, 5, 6), rows(1, 2, 3, 5), target)
    assert numbers(plan_up(files(1, 2, 3, 4, 5, 6), rows(1, 2, 3, 5), target, allow_out_of_order=True)) == [
        4,
        6,
    ]
    assert numbers(plan_up(files(1, 4, 5, 6), rows(1, 5), target=4, allow_out_of_order=True)) == [4]


def test_down_goes_back_in_the_order_of_application() -> None:
    """Case 5."""
    assert numbers(plan_down(files(1, 2, 3, 4, 5, 6), rows(1, 2, 3, 5, 4, 6), count=3)) == [6, 4, 5]


def test_an_applied_file_that_is_gone_is_refused_below_the_highest_file() -> None:
    """Case 6."""
    with pytest.raises(MigrationRefusedError, match=r"002_step is missing.*mark 002_step --pending"):
        plan_up(files(1, 3), rows(1, 2))


def test_rows_of_a_newer_project_do_not_stop_an_older_one() -> None:
    """Case 6."""
    assert states(files(1, 2), rows(1, 2, 3)) == [
        (1, State.APPLIED),
        (2, State.APPLIED),
        (3, State.AHEAD),
    ]
    assert plan_up(files(1, 2), rows(1, 2, 3)) == []


def test_what_is_pending_below_rows_of_a_newer_project_is_out_of_order() -> None:
    """Case 6."""
    assert states(files(1, 2), rows(1, 3)) == [(1, State.APPLIED), (2, State.OUT_OF_ORDER), (3, State.AHEAD)]


@pytest.mark.parametrize("name", ["002_step", "004_other", "007_other"])
def test_a_missing_file_whose_text_has_another_name_now_is_said_to_be_renamed(name: str) -> None:
    """Case 7."""
    old = AppliedRow(3, "005_step", NOW, files(5)[0].checksum)
    renamed = MigrationFile(Path(f"{name}.py"), "text 5")
    with pytest.raises(
        MigrationRefusedError,
        match=f"renamed.*{name}.*'mark 005_step --pending' and 'mark {name} --applied'",
    ):
        plan_up([*files(1), renamed], [*rows(1), old])


def test_an_applied_file_that_was_edited_is_refused_with_both_checksums() -> None:
    """Case 8."""
    [file], [row] = files(1), rows(1)
    edited = replace(file, text="edited")
    with pytest.raises(
        MigrationRefusedError, match=r"001_step is changed.*mark 001_step --applied"
    ) as caught:
        plan_up([edited], [row])
    for checksum in (file.checksum, edited.checksum):
        assert checksum[2:10] in str(caught.value)


@pytest.mark.parametrize("same", ["a\nb\n", "a\r\nb", "a\rb", "\ufeffa\nb", "a  \nb\t\n\n"])
def test_line_ends_trailing_blanks_and_a_byte_order_mark_do_not_count_as_changes(
    same: str, tmp_path: Path
) -> None:
    """Case 8."""
    path = tmp_path / "001_a.py"
    path.write_bytes(same.encode())
    [file] = read_files(Source(tmp_path))
    assert file.checksum == MigrationFile(path, "a\nb").checksum
    path.write_bytes(b" " + same.encode())
    assert read_files(Source(tmp_path))[0].checksum != file.checksum


@pytest.mark.parametrize("checksum", [None, "2:of a later formula"])
def test_a_checksum_that_is_missing_or_of_another_formula_is_unverified_and_no_problem(
    checksum: str | None,
) -> None:
    row = AppliedRow(1, "001_step", NOW, checksum)
    [status] = plan_status(files(1), [row])
    assert status.state is State.UNVERIFIED
    assert plan_up(files(1), [row]) == []


def test_status_has_the_state_of_each_file_and_row() -> None:
    statuses = plan_status(files(1, 2, 4, 5), rows(1, 3, 4))
    assert [(status.number, status.state) for status in statuses] == [
        (1, State.APPLIED),
        (2, State.OUT_OF_ORDER),
        (3, State.MISSING),
        (4, State.APPLIED),
        (5, State.PENDING),
    ]
    assert [status.applied_at for status in statuses] == [NOW, None, NOW, NOW, None]
    assert [bool(status.note) for status in statuses] == [False, True, True, False, False]
    assert StatusSummary.of(statuses) == StatusSummary(applied=2, pending=1, problems=2)


@pytest.mark.parametrize("count", [-1, 0, 3])
def test_down_by_more_than_is_applied_is_refused(count: int) -> None:
    """Case 26."""
    with pytest.raises(MigrationRefusedError, match="2 are applied"):
        plan_down(files(1, 2), rows(1, 2), count=count)


def test_down_without_a_file_anywhere_in_the_range_is_refused() -> None:
    """Case 26."""
    with pytest.raises(MigrationRefusedError, match="002_step"):
        plan_down(files(1, 3), rows(1, 2, 3), count=3)


def test_down_to_a_target_leaves_it_and_what_is_below_it() -> None:
    assert numbers(plan_down(files(1, 2, 3, 4), rows(1, 3, 2, 4), target=2)) == [4, 3]
    assert numbers(plan_down(files(1, 2), rows(1, 2), target=0)) == [2, 1]
    assert plan_down(files(1, 2), rows(1, 2), target=2) == []


@pytest.mark.parametrize("target", [-1, 3, 4])
def test_down_to_what_is_not_applied_is_refused(target: int) -> None:
    with pytest.raises(MigrationRefusedError, match=f"migration {target}: applied are 1, 2"):
        plan_down(files(1, 2, 3), rows(1, 2), target=target)


def test_marking_applied_is_for_files_that_are_not_recorded_as_they_are() -> None:
    [first, second, third] = files(1, 2, 3)
    edited = replace(second, text="edited")
    found = [first, edited, third]
    assert plan_mark_applied(found, rows(1, 2), ["002_step", "003_step"]) == [edited, third]
    assert plan_mark_applied(found, [], [], through=2) == [first, edited]
    assert plan_mark_applied(found, rows(1), ["003_step"], through=1) == [third]


def test_marking_what_does_not_exist_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(MigrationRefusedError, match=r"'002_stop'.*did you mean '002_step'"):
        plan_mark_applied(files(1, 2), [], ["002_stop"])
    with pytest.raises(MigrationRefusedError, match="no migration 7"):
        plan_mark_applied(files(1, 2), [], [], through=7)
    with pytest.raises(MigrationRefusedError, match=r"'002_step'.*not applied"):
        plan_mark_pending(rows(1), ["001_step", "002_step"])

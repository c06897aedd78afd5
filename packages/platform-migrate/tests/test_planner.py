from datetime import UTC, datetime
from pathlib import Path

import pytest

from platform_interfaces import MigrationError
from platform_migrate.files import MigrationFile
from platform_migrate.planner import AppliedRow, State, plan_down, plan_status, plan_up

NOW = datetime(2026, 1, 15, tzinfo=UTC)


def files(*numbers: int) -> list[MigrationFile]:
    return [MigrationFile(Path(f"{number:03}_step.py"), "text") for number in numbers]


def rows(*numbers: int) -> list[AppliedRow]:
    return [AppliedRow(order, f"{number:03}_step", NOW) for order, number in enumerate(numbers, 1)]


def numbers(planned: list[MigrationFile]) -> list[int]:
    return [file.number for file in planned]


def test_everything_pending_is_applied_in_order() -> None:
    assert numbers(plan_up(files(1, 2, 3), rows(1))) == [2, 3]
    assert numbers(plan_up(files(1, 2, 3), [])) == [1, 2, 3]
    assert plan_up([], []) == []


def test_a_target_is_included_and_what_is_above_it_is_not() -> None:
    assert numbers(plan_up(files(1, 2, 3), rows(1), target=2)) == [2]
    assert plan_up(files(1, 2, 3), rows(1, 2), target=2) == []


@pytest.mark.parametrize("target", [-1, 0, 4, 1])
def test_a_target_that_is_unknown_or_below_the_current_one_is_refused(target: int) -> None:
    with pytest.raises(ValueError, match=str(target)):
        plan_up(files(1, 2, 3), rows(1, 2), target=target)


def test_gaps_between_numbers_are_fine() -> None:
    assert numbers(plan_up(files(2, 7, 20), rows(2))) == [7, 20]


def test_a_pending_file_below_an_applied_one_is_refused() -> None:
    with pytest.raises(MigrationError, match="004_step is out of order"):
        plan_up(files(1, 4, 5, 6), rows(1, 5))


def test_an_applied_file_that_was_edited_is_refused() -> None:
    [file] = files(1)
    edited = AppliedRow(1, "001_step", NOW, checksum="1:other")
    with pytest.raises(MigrationError, match="001_step is changed"):
        plan_up([file], [edited])
    assert plan_up([file], [AppliedRow(1, "001_step", NOW, checksum=file.checksum)]) == []


def test_an_applied_file_that_is_gone_is_refused() -> None:
    with pytest.raises(MigrationError, match="002_step is missing"):
        plan_up(files(1, 3), rows(1, 2))


def test_rows_of_a_newer_project_do_not_stop_an_older_one() -> None:
    assert plan_up(files(1, 2), rows(1, 2, 3)) == []


def test_status_tells_how_each_file_and_row_stands() -> None:
    statuses = plan_status(files(1, 2, 4, 5), rows(1, 3, 4, 9))
    assert [(status.number, status.state) for status in statuses] == [
        (1, State.APPLIED),
        (2, State.OUT_OF_ORDER),
        (3, State.MISSING),
        (4, State.APPLIED),
        (5, State.PENDING),
        (9, State.AHEAD),
    ]
    assert [status.applied_at for status in statuses] == [NOW, None, NOW, NOW, None, NOW]


def test_down_goes_back_in_the_order_of_application() -> None:
    assert numbers(plan_down(files(1, 2, 3, 4), rows(1, 3, 2), count=2)) == [2, 3]


@pytest.mark.parametrize("count", [-1, 0, 3])
def test_down_by_more_than_is_applied_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="2 are applied"):
        plan_down(files(1, 2), rows(1, 2), count=count)


def test_down_without_the_file_is_refused() -> None:
    with pytest.raises(MigrationError, match="002_step"):
        plan_down(files(1), rows(1, 2), count=2)


@pytest.mark.parametrize("same", ["a\nb\n", "a\r\nb", "a\rb", "\ufeffa\nb", "a  \nb\t\n\n"])
def test_line_ends_and_trailing_blanks_do_not_change_a_checksum(same: str) -> None:
    assert MigrationFile(Path("001_a.py"), same).checksum == MigrationFile(Path("x.py"), "a\nb").checksum
    assert (
        MigrationFile(Path("001_a.py"), " " + same).checksum != MigrationFile(Path("x.py"), "a\nb").checksum
    )

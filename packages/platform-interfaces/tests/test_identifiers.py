import pytest

from platform_interfaces import quote_identifier, quote_table, split_table
from platform_interfaces.testing.database import HOSTILE_NAMES


@pytest.mark.parametrize("name", ["events", "_migrations", "Events2", "a$b", "e" * 63])
def test_an_identifier_is_quoted_as_it_is_written(name: str) -> None:
    assert quote_identifier(name) == f'"{name}"'
    assert quote_table(name) == f'"{name}"'
    assert split_table(name) == (None, name)


def test_a_schema_is_quoted_apart() -> None:
    assert quote_table("other.events") == '"other"."events"'
    assert split_table("other.events") == ("other", "events")


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, ".a", "a.", "a..b", "a b", "a\n"])
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        quote_table(name)

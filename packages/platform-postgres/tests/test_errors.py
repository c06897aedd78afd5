"""The driver's errors, in the words of the platform."""

import asyncpg
import pytest

from platform_interfaces import ConnectionLostError
from platform_postgres._errors import translate_errors


def test_a_step_of_the_protocol_that_failed_is_reported_as_a_lost_connection() -> None:
    with pytest.raises(ConnectionLostError) as caught, translate_errors():
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    assert str(caught.value) == "the connection to the database was lost in the middle of a statement"

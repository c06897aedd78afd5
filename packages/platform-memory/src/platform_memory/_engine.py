"""DuckDB, set up to be as much like PostgreSQL as it can be."""

from typing import Any

import duckdb

_SETTINGS: dict[str, Any] = {
    "threads": 1,  # the calling one
    "async_threads": 0,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "default_null_order": "postgres",
    "integer_division": True,
    "preserve_identifier_case": "lowercase",
}
# Keys of JSON objects are taken literally: DuckDB would read "$.a" and "/a" as paths. json_plain is the twin
# of _jsonb.parse. NOW() stands still in a transaction, also in one whose steps are repeated. The sequences of
# SERIAL columns have a schema of their own. substr takes bytes, too, and counts no start from the end.
_SETUP = r"""
    SET GLOBAL TimeZone = 'UTC';
    CREATE SCHEMA public;
    CREATE SCHEMA serials;
    CREATE TYPE main.jsonb AS JSON;
    CREATE MACRO main.json_key(name) AS '/' || replace(replace(name, '~', '~0'), '/', '~1');
    CREATE MACRO main.json_plain(text) AS regexp_replace(ltrim(text, chr(0)), '"\\u0000([^"]*)"', '\1', 'g');
    CREATE MACRO main."->>"(value, name VARCHAR) AS json_plain(json_extract_string(value, json_key(name))),
        (value, index BIGINT) AS json_plain(json_extract_string(value, index));
    CREATE MACRO main."@->"(value, name VARCHAR) AS json_extract(value, json_key(name)),
        (value, index BIGINT) AS json_extract(value, index);
    CREATE MACRO main.now() AS
        coalesce(getvariable('transaction_start')::TIMESTAMPTZ, transaction_timestamp());
    CREATE MACRO main.get_current_timestamp() AS now();
    CREATE MACRO main.substr(value, start, count) AS CASE WHEN start IS NOT NULL AND count IS NOT NULL
            THEN array_slice(value, greatest(start, 1), greatest(start::BIGINT + count - 1, 0)) END,
        (value, start) AS CASE WHEN start IS NOT NULL THEN array_slice(value, greatest(start, 1), -1) END;
    SET enable_external_access = false;
    SET lock_configuration = true;
"""


def open_database() -> duckdb.DuckDBPyConnection:
    """Return an empty database in memory, whose SQL reaches no file, network, thread or setting."""
    database = duckdb.connect(":memory:", config=_SETTINGS)
    database.execute(_SETUP)
    return database

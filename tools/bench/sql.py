"""COPY of the raw lines, then one SQL statement that does the rest: python -m tools.bench.sql ROOT URL.

The statement checks what the generator breaks. Lines go in as bytes, because a line that is not UTF-8
would end a COPY of text.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg

from tools.bench.inputs import DATE, SOURCE_PATH

# A line with bytes beyond ASCII is longer as UTF-8 than as Latin-1; only such a line can be invalid UTF-8,
# and pays for a block that catches the error.
PREPARE = """
    SET work_mem = '256MB';
    SET client_min_messages = error;
    CREATE TEMPORARY TABLE staging (line BYTEA NOT NULL);
    CREATE FUNCTION pg_temp.as_text(line BYTEA) RETURNS TEXT LANGUAGE plpgsql IMMUTABLE AS $$
        BEGIN
            RETURN convert_from(line, 'UTF8');
        EXCEPTION WHEN character_not_in_repertoire THEN
            RETURN NULL;
        END
    $$;
"""
# OFFSET 0 has each step computed once a line, though the next one names its columns several times.
LOAD = f"""
    WITH lines AS (
        SELECT CASE WHEN octet_length(convert_from(line, 'LATIN1')) = octet_length(line)
            THEN convert_from(line, 'UTF8') ELSE pg_temp.as_text(line) END AS line
        FROM staging
        OFFSET 0
    ), events AS (
        SELECT CASE WHEN pg_input_is_valid(line, 'jsonb') THEN line::jsonb END AS event
        FROM lines
        OFFSET 0
    ), fields AS (
        SELECT
            CASE WHEN jsonb_typeof(event -> 'event_type') = 'string'
                THEN lower(btrim(event ->> 'event_type', E' \\t\\n\\r')) END AS event_type,
            CASE WHEN jsonb_typeof(event -> 'source') = 'string' THEN event ->> 'source' END AS source,
            CASE jsonb_typeof(event -> 'payload')
                WHEN 'object' THEN event -> 'payload'
                WHEN 'string' THEN CASE WHEN pg_input_is_valid(event ->> 'payload', 'jsonb')
                    THEN (event ->> 'payload')::jsonb END
            END AS payload
        FROM events
        OFFSET 0
    )
    INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key)
    SELECT event_type, payload, source, DATE '{DATE}', sha256(convert_to(event_type || payload::text, 'UTF8'))
    FROM fields
    WHERE length(event_type) BETWEEN 1 AND 255 AND length(source) <= 255 AND btrim(source) <> ''
        AND jsonb_typeof(payload) = 'object'
    ORDER BY 5
    ON CONFLICT (dedup_key) DO NOTHING
"""


async def load(root: Path, url: str) -> None:
    """Load the day."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(PREPARE)
        for path in sorted((root / SOURCE_PATH / DATE).iterdir()):
            records = ((line,) for line in path.read_bytes().split(b"\n"))
            await connection.copy_records_to_table("staging", schema_name="pg_temp", records=records)
        await connection.execute(LOAD)
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(load(Path(sys.argv[1]), sys.argv[2]))

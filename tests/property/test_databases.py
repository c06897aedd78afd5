"""Any program sees the same in memory and on PostgreSQL: the same rows, counts and kinds of errors."""

from __future__ import annotations

import asyncio

from hypothesis import given

from platform_interfaces import DatabaseInterface
from platform_memory import MemoryDatabase, MemorySecrets
from platform_postgres import PostgresDatabase
from tests.property.database_programs import Program, Trace, programs


async def trace(db: DatabaseInterface, program: Program) -> Trace:
    async with db:
        await db.execute("DROP TABLE IF EXISTS items")
        return await program.trace(db)


@given(program=programs())
def test_a_program_sees_the_same_in_memory_and_on_postgresql(postgres_server: str, program: Program) -> None:
    settings = {"DB_POSTGRES_URL": postgres_server, "DB_POSTGRES_POOL_MIN": "1"}
    postgres = PostgresDatabase(MemorySecrets(settings))
    assert asyncio.run(trace(MemoryDatabase(), program)) == asyncio.run(trace(postgres, program))

"""PostgreSQL: a row for each record, in a table whose columns say what of it they hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from msgspec import Meta

from sanitizer.model import CleanBatch, Receipt, Rejection, Retry, TooLarge
from sinks.event import event
from sinks.options import Secret, SinkOptions, Tls

if TYPE_CHECKING:
    import asyncpg  # type: ignore[import-untyped]

DATA_AT_FAULT = ("22", "23")
"""Classes of SQLSTATE that mean a record, not the server or its operator: data exceptions and violated constraints (appendix A)."""
CLOSE_SECS = 2.0
OWN = ("record_id", "recorded_at", "kind", "record")
NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The one character of JSON that PostgreSQL stores in no text."""

COLUMNS = """
select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
and has_column_privilege(attrelid, attnum, 'insert')
"""
TABLE = """
create table if not exists {table} (
    record_id text primary key, recorded_at timestamptz not null, kind text not null, record jsonb not null
)
"""


class PostgresSink:
    """Inserts each batch in one statement."""

    def __init__(self, config: PostgresConfig, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._table = ".".join(f'"{part}"' for part in config.table.split("."))
        self._creates = config.create_table
        self._columns: frozenset[str] | None = None

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the rows are committed. A batch with a row that cannot be stored is asked for in halves, down to that row."""
        import asyncpg  # noqa: PLC0415 - an extra: only who sends to PostgreSQL has it

        try:
            async with self._pool.acquire() as connection:
                columns = self._columns or await self._prepare(connection)
                rows = [self._row(record, batch.record_id(n), batch.kind) for n, record in enumerate(batch.records)]
                await connection.execute(self._statement(columns & set().union(*rows)), _json(rows))
        except asyncpg.PostgresError as trouble:
            state = str(trouble.sqlstate or "")
            if not state.startswith(DATA_AT_FAULT):
                self._columns = None  # the table may be another by the time it works again
                raise Retry(f"{type(trouble).__name__} ({state})") from None
            if len(batch.records) > 1:
                raise TooLarge from None
            return Receipt([Rejection(0, f"{type(trouble).__name__} ({state})")])
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as trouble:
            raise Retry(type(trouble).__name__) from None
        return Receipt()

    async def _prepare(self, connection: asyncpg.Connection) -> frozenset[str]:
        import asyncpg  # noqa: PLC0415 - as above

        if self._creates:
            with suppress(asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError):  # another makes it at this moment
                await connection.execute(TABLE.format(table=self._table))
        self._columns = frozenset(row["attname"] for row in await connection.fetch(COLUMNS, self._table))
        return self._columns

    def _row(self, record: bytes, record_id: str, kind: str) -> dict[str, Any]:
        said = event(record)
        own = (record_id, said.timestamp.decode(), kind, orjson.Fragment(said.json))
        return said.fields | dict(zip(OWN, own, strict=True))

    def _statement(self, columns: Iterable[str]) -> str:
        """What inserts *columns* alone: others keep their defaults. A conflict without a target asks for no right but to insert."""
        if not columns:
            raise Retry("the table has no column named as a field")
        names = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in sorted(columns))
        rows = f"json_populate_recordset(null::{self._table}, $1)"
        return f"insert into {self._table} ({names}) select {names} from {rows} on conflict do nothing"  # noqa: S608 - names are quoted


def _json(rows: list[dict[str, Any]]) -> str:
    return NUL.sub(rb"\1\\ufffd", orjson.dumps(rows)).decode()


class PostgresConfig(SinkOptions, frozen=True, tag="postgres", kw_only=True):
    """Rows in `table` of the database at `dsn` (needs the extra `postgres`).

    A column gets the field of its name; `record_id`, `recorded_at`, `kind` and `record` (all of it) are there for any record. A
    table with just these four is created where there is none. With a key on `record_id`, what is sent again is there already. A
    role that may only insert is enough where `create_table` is off, and keeps the trail from whoever takes this host.
    """

    dsn: Secret
    table: Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$", description="TABLE or SCHEMA.TABLE")] = "mcp_log"
    create_table: bool = True
    tls: Tls | None = None

    def __post_init__(self) -> None:
        if not self.dsn.reveal().startswith(("postgresql://", "postgres://")):
            raise ValueError("`dsn` is written postgresql://USER:PASSWORD@HOST:PORT/DATABASE")

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[PostgresSink]:
        """Connections are made when the first batch is sent."""
        import asyncpg  # noqa: PLC0415 - as above

        secure = {"ssl": self.tls.context()} if self.tls else {}
        pool = await asyncpg.create_pool(self.dsn.reveal(), min_size=0, max_size=self.concurrency, **secure)
        try:
            yield PostgresSink(self, pool)
        finally:
            try:
                async with asyncio.timeout(CLOSE_SECS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

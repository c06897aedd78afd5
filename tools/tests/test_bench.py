import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench.cleaning import clean, cleaned_rows
from tools.bench.contenders import floor, ours, sql
from tools.bench.inputs import DATE, SOURCE_PATH, Input, Inputs, make_files
from tools.bench.measure import measure
from tools.bench.report import Part, Ratio
from tools.bench.server import ROOT, Server, environment, running_server
from tools.make_events import make_day

LINES = 3000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server({}) as found:
        yield found


@pytest.fixture
def day(tmp_path: Path) -> Input:
    return Inputs(tmp_path).day(LINES)


def test_the_files_are_the_same_by_any_number_of_processes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for processes, folder in enumerate(folders, start=1):
        folder.mkdir()
        make_files(folder, lines=LINES, seed=1, is_distinct=False, processes=processes)
    one, two = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert one == two
    assert len(one) == 16


def test_an_input_has_as_many_events_as_it_says(day: Input) -> None:
    keys = [row.key for row in cleaned_rows(day.folder)]
    assert len(set(keys)) == day.unique < len(keys) < day.lines == LINES
    assert 200 < day.size / day.lines < 260


def test_a_distinct_input_has_every_event_once(tmp_path: Path) -> None:
    day = Inputs(tmp_path).day(LINES, is_distinct=True)
    rows = list(cleaned_rows(day.folder))
    assert len({row.key for row in rows}) == len(rows) == day.unique == day.lines == LINES
    assert [json.loads(row.payload)["event_no"] for row in rows] == list(range(1, LINES + 1))


def test_another_shape_has_the_same_lines(tmp_path: Path, day: Input) -> None:
    inputs = Inputs(tmp_path)
    plain = b"".join(file.read_bytes() for file in day.files)
    split, joined = inputs.split(day, 100), inputs.joined(day)
    assert len(split.files) == LINES // 100
    for changed in (split, joined):
        assert b"".join(file.read_bytes() for file in changed.files) == plain
        assert (changed.lines, changed.unique) == (day.lines, day.unique)


@pytest.mark.parametrize(
    "line",
    [
        b'{"event_type": "a", "payload": {"n": "x\\u0000"}, "source": "s"}',
        b'{"event_type": "a\\u0000", "payload": {}, "source": "s"}',
        b'{"event_type": " ", "payload": {}, "source": "s"}',
        b'{"event_type": "a", "payload": "[]", "source": "s"}',
        b'{"event_type": "a", "payload": {}, "source": "\xe9"}',
        b'{"event_type": "a", "payload": {}}',
        b"[]",
        b"\r",
    ],
)
def test_a_bad_line_is_not_an_event(line: bytes) -> None:
    assert clean(line) is None


def test_numbers_are_compared_as_written_and_key_order_is_not() -> None:
    lines = [
        b'{"event_type": "a", "payload": %s, "source": "s"}' % payload
        for payload in (b'{"n": 1, "m": 2}', b'"{\\"m\\": 2, \\"n\\": 1}"', b'{"n": 1.0, "m": 2}')
    ]
    first, same, other = filter(None, map(clean, lines))
    assert first == same
    assert first.key != other.key


def test_a_backslash_before_u0000_is_not_a_nul() -> None:
    assert clean(b'{"event_type": "a", "payload": {"n": "\\\\u0000"}, "source": "s"}')


def test_floor_sql_and_ours_leave_the_same_rows(server: Server, day: Input) -> None:
    found = []
    for load in (floor, sql, ours):
        load(server, day, server.fresh())
        found.append(server.rows())
    assert found[0].count == day.unique
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("change", "is_noticed"),
    [
        ("SET source = 'other'", False),
        ("SET created_at = now() - interval '1 day'", False),
        ("""SET payload = '{"b": 2, "n": 1.0}'""", False),
        ("""SET payload = '{"b": 2, "n": 1}'""", True),
        ("SET event_type = 'other'", True),
        ("SET event_date = '2026-01-16'", True),
    ],
)
def test_rows_are_distinguished_by_what_they_hold(server: Server, change: str, is_noticed: bool) -> None:
    server.fresh()
    columns = "event_type, payload, source, event_date, dedup_key"
    server.query(
        f"""
        INSERT INTO cleaned_events ({columns}) VALUES
            ('a', '{{"n": 1.0, "b": 2}}', 's', '{DATE}', 'one'), ('b', '{{}}', 's', '{DATE}', 'two')
        """,
        "bench",
    )
    before = server.rows()
    server.query(f"UPDATE cleaned_events {change} WHERE dedup_key = 'one'", "bench")
    assert (server.rows() != before) == is_noticed


def test_rows_in_another_place_count_as_others(server: Server) -> None:
    """Two rows that swap their payloads are two other rows."""
    found = []
    for first, second in (("{}", '{"n": 1}'), ('{"n": 1}', "{}")):
        server.fresh()
        for event_type, payload in (("a", first), ("b", second)):
            server.query(
                "INSERT INTO cleaned_events (event_type, payload, source, event_date, dedup_key) "
                f"VALUES ('{event_type}', '{payload}', 's', '{DATE}', '{event_type}')",
                "bench",
            )
        found.append(server.rows())
    assert found[0].count == found[1].count == 2
    assert found[0] != found[1]


def test_a_client_that_fails_ends_the_benchmark_with_what_it_said(server: Server) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('out of luck')")
    with pytest.raises(SystemExit, match="out of luck"):
        measure(server, command, environment(server.url()))


def test_what_a_client_and_the_server_spend_is_reported(server: Server) -> None:
    statement = "SELECT SUM(length(md5(n::text))) FROM generate_series(1, 2000000) AS n"
    program = f"""
import asyncio, asyncpg, time
data = bytearray(200 * 1024 * 1024)
end = time.process_time() + 0.3
while time.process_time() < end: pass
async def ask():
    connection = await asyncpg.connect({server.url("postgres")!r})
    await connection.fetch({statement!r})
    await connection.close()
asyncio.run(ask())
"""
    run = measure(server, (sys.executable, "-c", program), environment(server.url()))
    assert run.client_cpu_seconds >= 0.3
    assert run.client_peak_mib >= 200
    assert run.server_cpu_seconds > 0.1
    assert run.seconds > run.server_cpu_seconds


def test_a_number_as_the_last_line_is_the_time(server: Server) -> None:
    command = (sys.executable, "-c", "print('done'); print(12.5)")
    assert measure(server, command, environment(server.url())).seconds == 12.5


def test_a_bar_is_the_most_or_the_least() -> None:
    assert [Ratio("r", value, 1.25).is_met for value in (1.25, 1.26)] == [True, False]
    assert [Ratio("r", value, 7, is_least=True).is_met for value in (7, 6.9)] == [True, False]
    assert Ratio("r", 1).is_met is None


def test_rows_that_are_not_as_expected_are_a_problem() -> None:
    part = Part("contenders")
    part.expect("ours", 5, 5)
    assert not part.problems
    part.expect("ours", 4, 5)
    assert part.problems == ["contenders, ours: 4, expected 5"]


def test_the_samples_are_what_the_generator_makes(tmp_path: Path) -> None:
    raw = ROOT / "modules/batch_etl/samples" / SOURCE_PATH / DATE
    make_day(tmp_path, lines=3000, files=4, seed=1)
    for file in raw.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()

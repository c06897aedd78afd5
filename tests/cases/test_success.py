"""What counts as success, and how a run says so, on both databases; ids have the report's number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from batch_etl.ingest import LIMITS, Limits
from batch_etl.ingest.reject_log import SHOWN_OF_CODE
from batch_etl.main import check_retry, check_run, retry, run
from platform_interfaces import (
    ConfigurationError,
    DatabaseError,
    FileMissingError,
    FileSystemError,
    Survey,
)
from platform_localfs import LocalFileSystem
from platform_memory import MemoryFileSystem, MemorySecrets
from tests.cases.event_lines import event_line, good_line
from tests.helpers.event_job import DATE, FOLDER, EventJob, totals

ABSENT = [
    pytest.param("raw/x/2026-01-15/a", "rwa", ["did you mean 'raw/'?"], id="a2-typo"),
    pytest.param(
        "raw/2026-01-14/a", "raw", ["dates found: 2026-01-14", "no folder '2026-01-15'"], id="a2-date"
    ),
    pytest.param("raw/date=2026-01-15/hour=00/p", "raw", ["'date=2026-01-15/'"], id="a3-hive"),
    pytest.param("raw/2026-01-15.jsonl", "raw", ["'2026-01-15.jsonl'"], id="a4-file-of-the-date"),
    pytest.param("raw/2026-01-15", "raw", ["'raw/2026-01-15' is a file"], id="a4-folder-is-a-file"),
    pytest.param("raw/2026-01-15/a", '"raw"', ["quotes or blanks", "'raw/'"], id="a5-quotes"),
    pytest.param("raw/2026-01-15/a", "raw ", ["quotes or blanks", "'raw/'"], id="a5-blank"),
    pytest.param("raw/2026-01-15/a", "raw/2026-01-15", ["--source-path 'raw'"], id="a6-date-in-the-path"),
    pytest.param("raw/2026-01-15/a", "raw/2026-01-15/a", ["--source-path 'raw'"], id="a6-file-in-the-path"),
    pytest.param("raw/2026-01-15/a", "*", ["not patterns", "--source-path 'raw'"], id="a6-pattern"),
    # Not from field reports.
    pytest.param("raw/year=2026/month=01/day=15/p", "raw", ["'year=2026/month=01/day=15/'"], id="a3-parts"),
    pytest.param("raw/2026/1/15/p", "raw", ["'2026/1/15/'"], id="a3-no-zeros"),
    pytest.param("raw/20260115/p", "raw", ["'20260115/'"], id="a3-compact"),
    pytest.param("raw/2026-01-15-7.json.gz", "raw", ["'2026-01-15-7.json.gz'"], id="a4-hours"),
    pytest.param("raw/15.01.2026/p", "raw", ["'15.01.2026/'"], id="a3-day-first"),
    pytest.param("raw/eu/2026-01-15/p", "raw", ["--source-path 'raw/eu'"], id="a6-one-folder-missing"),
    pytest.param("raw/2026-01-15/p", "lake/raw", ["--source-path 'raw'"], id="a6-one-folder-too-many"),
    pytest.param("RAW/2026-01-15/p", "raw", ["did you mean 'RAW/'?"], id="a2-case"),
    pytest.param("other/a", "raw", ["it has 'other/'"], id="a2-nothing-near"),
]


@pytest.mark.parametrize(("file", "source_path", "hints"), ABSENT)
async def test_a_day_without_data_is_explained_and_fails_unless_that_is_allowed(
    job: EventJob, file: str, source_path: str, hints: list[str]
) -> None:
    await job.fs.write(file, good_line(1))
    result = await job.run(source_path=source_path)
    reason = result.fields("No raw data found")["reason"]
    assert result.code == 0
    assert [event.message for event in result.events[-2:]] == ["No raw data found", "Batch ETL complete"]
    for hint in [f"memory:/{source_path}/{DATE}", *hints]:
        assert hint in reason
    strict = job.context(source_path=source_path, allow_empty=False)
    for entry in (check_run, run):
        with pytest.raises(FileMissingError) as failure:
            await entry(strict)
        assert reason in str(failure.value)
    await check_run(job.context(source_path=source_path))


@pytest.mark.parametrize("kind", ["missing", "a file", "empty"])
async def test_a1_a_root_that_is_not_a_directory_is_named(job: EventJob, tmp_path: Path, kind: str) -> None:
    root = tmp_path / "lake"
    if kind == "a file":
        root.write_bytes(b"")
    elif kind == "empty":  # as where a disk is not mounted
        root.mkdir()
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(root)}))
    with pytest.raises(FileSystemError) as failure:
        await check_run(EventJob(job.db, fs).context(allow_empty=False))
    assert str(root / "raw/events" / DATE) in str(failure.value)
    assert str(failure.value).count("mounted?") == 1


@pytest.mark.parametrize("content", [b"", b"\n \n\t\n"])
async def test_files_without_a_line_are_not_data(job: EventJob, content: bytes) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", content)
    assert (await job.run()).code == 0
    result = await job.run(allow_empty=False)
    assert result.code == 1
    assert "no line that is not blank" in result.fields("No raw data found")["reason"]
    assert totals(result)["raw"] == 0


async def test_many_dates_are_shown_by_the_first_and_the_last(job: EventJob) -> None:
    for day in range(1, 29):
        await job.fs.write(f"raw/events/2025-12-{day:02}/a", b"")
    reason = (await job.run()).fields("No raw data found")["reason"]
    assert "2025-12-01, 2025-12-02, 2025-12-03, … 2025-12-26, 2025-12-27, 2025-12-28 (28 in all)" in reason


def lines_of(record: dict[str, Any], count: int) -> bytes:
    return b"".join(json.dumps({**record, "ts": number}).encode() + b"\n" for number in range(count))


@pytest.mark.parametrize(
    ("record", "hints"),
    [
        (
            {"type": "a", "payload": {}, "source": "s"},
            ["missing_event_type (4,800)", "is 'type' meant to be"],
        ),
        ({"EventType": "a", "payload": {}, "source": "s"}, ["is 'EventType' meant to be 'event_type'?"]),
        ({"event_type": "a", "payload": {}, "src": "s"}, ["is 'src' meant to be 'source'?"]),
        ({"event": {"event_type": "a", "payload": {}, "source": "s"}}, ["are inside 'event'"]),
        ({"x": 1}, ["fields seen: x, ts"]),
        ({"a\nb\x1b": 1, "": 2, "a b": 3}, [r"fields seen: 'a\nb\x1b', '', a b, ts"]),
    ],
)
async def test_a7_a_run_without_a_valid_line_fails_with_a_guess(
    job: EventJob, record: dict[str, Any], hints: list[str]
) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", lines_of(record, 4_800))
    result = await job.run()
    reason = result.fields("No line is valid")["reason"]
    assert result.code == 1
    for hint in ["all 4,800 lines were rejected", "fields seen: ", *hints]:
        assert hint in reason
    assert totals(result)["invalid"] == 4_800
    assert (await job.run(min_valid="0")).code == 0
    assert (await job.retry()).code == 0


async def test_a7_a_file_without_a_valid_line_is_not_read_further_and_the_others_load(job: EventJob) -> None:
    await job.fs.write(f"{FOLDER}/a.csv", b"click,1,web\n" * 3 * LIMITS.max_lines_without_valid)
    await job.fs.write(f"{FOLDER}/b.jsonl", good_line(1))
    result = await job.run()
    assert (result.code, totals(result)["inserted"]) == (1, 1)
    assert totals(result)["invalid"] < LIMITS.max_lines_without_valid + 1_000
    assert result.fields("Some files were not read to their end")["files"] == [f"{FOLDER}/a.csv"]
    assert len(await job.rejects(f"{FOLDER}/a.csv")) == totals(result)["invalid"]
    result = await job.run(min_valid="0%")
    assert (result.code, totals(result)["invalid"]) == (0, 3 * LIMITS.max_lines_without_valid)


@pytest.mark.parametrize(
    ("minimum", "code"),
    [("2", 0), ("3", 1), ("50%", 0), ("50.1%", 1), ("0", 0), ("100%", 1), ("", 0), (1, 0), (4, 1)],
)
async def test_fewer_valid_lines_than_asked_for_fail_the_run(
    job: EventJob, minimum: object, code: int
) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", b"\n".join([good_line(1), b"{", good_line(2), b"["]))
    result = await job.run(min_valid=minimum)
    assert (result.code, totals(result)["inserted"]) == (code, 2)


async def test_all_problems_of_the_arguments_are_reported_at_once(job: EventJob) -> None:
    wrong: dict[str, Any] = {
        "max_rejected": "x",
        "min_valid": "101%",
        "unknown_fields": "drop",
        "date": "2026-1-15",
    }
    for entry in (check_run, check_retry, run, retry):
        with pytest.raises(
            ConfigurationError, match=r"--date.*--max-rejected.*--min-valid.*--unknown-fields"
        ):
            await entry(job.context(**wrong))


NEVER_DATA = [
    *(".DS_Store", "._a.jsonl", ".a.jsonl.crc", "_SUCCESS", ".a.jsonl.Xy12Zk", "a.jsonl~", ".a.jsonl.swp"),
    *("b.jsonl.part", ".snapshot/hourly/a.jsonl", ".ipynb_checkpoints/a.jsonl", "@eaDir/a.jsonl"),
    # Not from field reports.
    *("a.jsonl.TMP", "Thumbs.db", "#recycle/a.jsonl", "x/__MACOSX/a.jsonl", "lost+found/1", "c.filepart"),
    *("_temporary/0/a.jsonl", "a.jsonl.crdownload", "desktop.ini", "#a.jsonl#"),
]


@pytest.mark.parametrize("name", NEVER_DATA, ids=lambda name: f"b1-b2-b3-{name}")
async def test_files_that_are_never_data_are_left_out_and_counted(job: EventJob, name: str) -> None:
    await job.fs.write(f"{FOLDER}/{name}", good_line(1))
    result = await job.run()
    assert "only files that are left out (1)" in result.fields("No raw data found")["reason"]
    await job.fs.write(f"{FOLDER}/hour=00/date=x/a.jsonl", good_line(1) + b"\n")
    result = await job.run(allow_empty=False)
    assert (result.code, totals(result)["lines"], totals(result)["inserted"]) == (0, 1, 1)
    assert result.fields("Left out what is never data") == {"files": 1, "names": [f"{FOLDER}/{name}"]}


async def test_only_the_names_below_the_date_leave_files_out(job: EventJob) -> None:
    await job.fs.write(f"_lake/.raw/{DATE}/a.jsonl", good_line(1))
    assert totals(await job.run(source_path="_lake/.raw"))["inserted"] == 1


class SurveyedFileSystem(MemoryFileSystem):
    """Has further names and what cannot be used, as a disk may have."""

    aliases: dict[str, str]
    unusable: dict[str, str]

    async def survey(self, prefix: str) -> Survey:
        files = tuple(path for path in await self.list(prefix) if path not in self.aliases)
        return Survey(files, self.aliases, self.unusable)


async def surveyed(aliases: dict[str, str], unusable: dict[str, str], *files: str) -> SurveyedFileSystem:
    fs = SurveyedFileSystem()
    fs.aliases = {f"{FOLDER}/{alias}": f"{FOLDER}/{path}" for alias, path in aliases.items()}
    fs.unusable = {f"{FOLDER}/{path}": reason for path, reason in unusable.items()}
    for file in (*files, *aliases):
        await fs.write(f"{FOLDER}/{file}", good_line(1))
    return fs


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("b.jsonl", "a symbolic link leaves the root", id="b15-link"),
        pytest.param("a\\tb.jsonl", "it has a control character", id="b16-tab"),
        pytest.param("sub/", "Permission denied", id="b17-folder"),
    ],
)
async def test_what_cannot_be_used_is_named_costs_exit_1_and_the_others_load(
    job: EventJob, path: str, reason: str
) -> None:
    for files in (("a.jsonl",), ()):
        result = await EventJob(job.db, await surveyed({}, {path: reason, ".hidden/": reason}, *files)).run()
        assert (result.code, totals(result)["lines"]) == (1, len(files))
        assert result.fields("Cannot read file") == {"file": f"{FOLDER}/{path}", "reason": reason}
        assert result.fields("Some files could not be loaded")["files"] == [f"{FOLDER}/{path}"]
        assert not any("run again" in event.message for event in result.events)
        assert "No raw data found" not in result.messages()


async def test_b18_a_link_that_leads_to_no_file_is_warned_about_and_costs_nothing(
    job: EventJob, tmp_path: Path
) -> None:
    day = tmp_path / "lake" / FOLDER
    day.mkdir(parents=True)
    (day / "a.jsonl").write_bytes(good_line(1))
    (day / "gone.jsonl").symlink_to("removed.jsonl")
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "lake")}))
    result = await EventJob(job.db, fs).run()
    assert (result.code, totals(result)["inserted"]) == (0, 1)
    assert result.fields("Some links lead to no file")["names"] == [f"{FOLDER}/gone.jsonl"]


async def test_b18_a_folder_that_has_only_such_links_has_no_data_and_names_them(
    job: EventJob, tmp_path: Path
) -> None:
    day = tmp_path / "lake" / FOLDER
    day.mkdir(parents=True)
    (day / "gone.jsonl").symlink_to("removed.jsonl")
    (day / "_SUCCESS").touch()
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "lake")}))
    result = await EventJob(job.db, fs).run()
    reason = result.fields("No raw data found")["reason"]
    assert "has no data, only links that lead to no file (1): 'gone.jsonl' and files that are left" in reason


async def test_a_file_of_several_names_is_read_once_also_when_the_first_name_is_left_out(
    job: EventJob,
) -> None:
    fs = await surveyed(
        {"b.jsonl": "a.jsonl", "z": ".snapshot/z", "z~": ".snapshot/z"}, {}, "a.jsonl", ".snapshot/z"
    )
    result = await EventJob(job.db, fs).run()
    assert (result.code, totals(result)["lines"]) == (0, 2)
    names = result.fields("Some files have several names")["names"]
    assert names == [f"{FOLDER}/b.jsonl = {FOLDER}/a.jsonl"]


async def test_run_again_is_said_of_a_file_that_changed_and_not_of_a_damaged_one(
    job: EventJob, tmp_path: Path
) -> None:
    await job.fs.write(f"{FOLDER}/bad.jsonl.gz", b"\x1f\x8b\x08\x00broken")
    await job.fs.write(f"{FOLDER}/good.jsonl", good_line(1))
    result = await job.run()
    assert result.code == 1
    assert result.fields("Some files could not be loaded")["files"] == [f"{FOLDER}/bad.jsonl.gz"]
    assert not any("run again" in str(event) for event in result.events)
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_bytes((good_line(1) + b"\n") * 40_000)
    fs = ChangingFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path)}))
    fs.file = folder / "a.jsonl"
    result = await EventJob(job.db, fs).run()
    assert result.code == 1
    assert result.fields("Some files changed while they were read: run again")["count"] == 1


class ChangingFileSystem(LocalFileSystem):
    """A file of this one grows as soon as a part of it was read."""

    file: Path

    async def stream(self, path: str, *, offset: int = 0) -> Any:
        async for block in super().stream(path, offset=offset):
            with self.file.open("ab") as file:
                file.write(b"\n")
            yield block


@pytest.mark.parametrize("is_dry_run", [False, True])
async def test_fields_without_a_column_are_counted_and_so_are_the_duplicates_that_had_some(
    job: EventJob, is_dry_run: bool
) -> None:
    def line(number: int, **fields: Any) -> bytes:
        return json.dumps({"event_type": "a", "payload": {"n": number}, "source": "s", **fields}).encode()

    careful = line(4)[:-1] + b', "user": 1, "payload": "{}"}'
    deep = b'{"event_type": "a", "source": "s", "payload": {"t": "\\\\u0000"}, "Source": 1}'
    data = [
        line(1, ts=1),
        line(1, ts=2),
        line(1),
        line(2),
        line(3, ts=3, user=1),
        careful,
        deep,
        b'{"ts": 1}',
    ]
    await job.fs.write(f"{FOLDER}/a.jsonl", b"\n".join(data))
    result = await job.run(dry_run=is_dry_run)
    found = result.fields("Some fields are not stored")
    assert (result.code, totals(result)["duplicates"]) == (0, 2)
    assert found["fields"] == {"ts": 3, "user": 2, "Source": 1}
    assert (found["lines"], found["duplicates"]) == (5, 1)
    result = await job.run(unknown_fields="ignore", dry_run=is_dry_run)
    assert not any(event.message.startswith("Some fields") for event in result.events)
    result = await job.run(unknown_fields="reject", dry_run=is_dry_run)
    assert totals(result)["invalid_by_reason"] == {"missing_event_type": 1, "unknown_fields": 5}
    if not is_dry_run:
        codes = [[reason.code for reason in each.reasons] for each in await job.rejects()]
        assert codes.count(["unknown_fields"]) == 5
        assert codes[-1][-1] == "unknown_fields"
        assert totals(await job.retry(unknown_fields="reject"))["invalid"] == 6
        assert totals(await job.retry())["invalid"] == 1


async def test_duplicates_that_only_the_table_shows_are_counted_with_their_fields(
    job: EventJob,
) -> None:
    job.limits = Limits(min_recent_keys=1, chunk_lines=1, batch_lines=1)
    lines = [
        b'{"event_type": "a", "payload": {"n": %d}, "source": "s", "id": %d}' % (number % 10, number)
        for number in range(20)
    ]
    await job.fs.write(f"{FOLDER}/a.jsonl", b"\n".join(lines))
    result = await job.run()
    assert totals(result)["duplicates"] == result.fields("Some fields are not stored")["duplicates"] == 10


async def test_names_of_fields_are_counted_up_to_a_limit(job: EventJob) -> None:
    lines = [event_line()[:-1] + b', "f%d": 1, "%s": 2}' % (number, b"x" * 300) for number in range(300)]
    await job.fs.write(f"{FOLDER}/a.jsonl", b"\n".join(lines))
    fields = (await job.run()).fields("Some fields are not stored")["fields"]
    assert (len(fields), sum(fields.values()), max(map(len, fields))) == (101, 600, 101)


async def test_e6_only_the_first_invalid_events_of_each_reason_are_shown(job: EventJob) -> None:
    no_source = b'{"event_type": "a", "payload": {}}'
    lines = [*[b"{"] * 300, *[b"1"] * 4, *[no_source] * 2, b"\xff", good_line(1)]
    await job.fs.write(f"{FOLDER}/a.jsonl", b"\n".join(lines))
    result = await job.run()
    shown = [event for event in result.events if event.message == "Invalid line" and event.level == "warn"]
    assert [event.fields["reason"] for event in shown] == [
        *["malformed_json"] * SHOWN_OF_CODE,
        *["not_an_object"] * SHOWN_OF_CODE,
        "missing_source",
        "not_utf8",
    ]
    hidden = {"malformed_json": 300 - SHOWN_OF_CODE, "not_an_object": 1, "missing_source": 1}
    assert result.fields("More invalid lines") == {"count": sum(hidden.values()), "by_reason": hidden}
    assert result.run.rejects == totals(result)["invalid_by_reason"]
    assert totals(result)["invalid"] == 307


class ReadOnlyFileSystem(MemoryFileSystem):
    is_read_only = False

    async def write_stream(self, path: str, *args: Any, **options: Any) -> int:
        if self.is_read_only:
            raise FileSystemError(f"cannot write {path!r}: Read-only file system")
        return await super().write_stream(path, *args, **options)


async def test_e4_a_lake_that_cannot_be_written_loads_and_has_its_totals(job: EventJob) -> None:
    fs = ReadOnlyFileSystem()
    fs.is_read_only = True
    await fs.write(f"{FOLDER}/a.jsonl", good_line(1))
    result = await EventJob(job.db, fs).run()
    assert (result.code, totals(result)["inserted"]) == (0, 1)
    assert {event.level for event in result.events} <= {"info", "debug"}
    await fs.write(f"{FOLDER}/b.jsonl", b"{")
    result = await EventJob(job.db, fs).run()
    assert (result.code, totals(result)["skipped"], totals(result)["invalid"]) == (1, 1, 1)
    reason = result.fields("Rejected lines could not be kept")["reason"]
    for part in ("Read-only file system", f"rejected/{FOLDER}/rejects.jsonl"):
        assert reason.count(part) == 1


async def test_e5_many_rejects_without_room_for_a_temporary_file_lose_nothing(
    job: EventJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", good_line(1) + b"\n{")
    await job.run()
    before = await job.rejects()
    bad = b"\n".join(b"x" * 100 for _ in range(9_000))
    await job.fs.write(f"{FOLDER}/a.jsonl", good_line(1) + b"\n" + bad + b"\n" + good_line(2))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    result = await job.run()
    assert (result.code, totals(result)["inserted"], totals(result)["invalid"]) == (1, 1, 9_000)
    reason = result.fields("Rejected lines could not be kept")["reason"]
    assert str(tmp_path / "gone") in reason
    assert "TMPDIR" in reason
    assert await job.rejects() == before
    monkeypatch.undo()
    assert (await job.run()).code == 0
    assert len(await job.rejects()) == 9_000


async def test_a_retry_where_nothing_is_kept_says_so(job: EventJob) -> None:
    result = await job.retry(allow_empty=False)
    assert result.code == 0
    assert "nothing to retry" in result.fields("No rejected lines found")["reason"]


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a1_a_retry_without_a_root_fails_unless_that_is_allowed(
    job: EventJob, tmp_path: Path, is_allowed: bool
) -> None:
    fs = LocalFileSystem(MemorySecrets({"FS_LOCAL_ROOT": str(tmp_path / "nosuch")}))
    if not is_allowed:
        with pytest.raises(FileMissingError, match=r"nosuch' \(FS_LOCAL_ROOT\) does not exist: is the disk"):
            await EventJob(job.db, fs).retry(allow_empty=False)
        return
    result = await EventJob(job.db, fs).retry()
    assert (result.code, "does not exist" in result.fields("No rejected lines found")["reason"]) == (0, True)


async def test_a_dry_run_says_that_the_table_does_not_exist_yet_and_counts(job: EventJob) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", good_line(1))
    await check_run(job.context(target_table="not_there", dry_run=True))
    result = await job.run(target_table="not_there", dry_run=True)
    assert (result.code, totals(result)["unique"]) == (0, 1)
    assert result.fields("The table does not exist yet")["table"] == "not_there"
    with pytest.raises(DatabaseError, match="not_there"):
        await job.run(target_table="not_there")


async def test_a_table_that_does_not_fit_is_refused_before_anything_is_done(job: EventJob) -> None:
    await job.fs.write(f"{FOLDER}/a.jsonl", good_line(1))
    await job.db.execute("CREATE TABLE other (id INTEGER)")
    for entry in (check_run, check_retry):
        with pytest.raises(DatabaseError):
            await entry(job.context(target_table="other"))

"""The days of raw events that are loaded: made once for each shape, and kept."""

import gzip
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from tools.make_events import Generator

DATE, SOURCE_PATH = "2026-01-15", "raw/events"
FILES = 16
TRACE_BYTES = 50  # has the lines average about 230 bytes


@dataclass(frozen=True)
class Input:
    """A folder as a file system root that has one date; ``unique`` is the rows that a correct load leaves."""

    folder: Path
    lines: int
    unique: int

    @property
    def files(self) -> list[Path]:
        """Return the raw files, in their order."""
        return sorted((self.folder / SOURCE_PATH / DATE).iterdir())

    @property
    def size(self) -> int:
        """Return the size of all files in bytes."""
        return sum(file.stat().st_size for file in self.files)


class Inputs:
    """Inputs below ``folder``; each is made when it is first asked for."""

    def __init__(self, folder: Path, *, seed: int = 1) -> None:
        self._folder, self._seed = folder, seed

    def day(self, lines: int, *, is_distinct: bool = False) -> Input:
        """Return 16 files with about 6 % duplicates and bad lines, or none when ``is_distinct``."""
        name = f"{lines}-lines-seed-{self._seed}{'-distinct' if is_distinct else ''}"
        make = partial(make_files, lines=lines, seed=self._seed, is_distinct=is_distinct)
        return self._find_or_make(name, make)

    def split(self, day: Input, lines_per_file: int) -> Input:
        """Return the same lines in many files."""
        return self._derive(day, f"{lines_per_file}-a-file", partial(_split, lines_per_file=lines_per_file))

    def joined(self, day: Input) -> Input:
        """Return the same lines in one file."""
        return self._derive(day, "one-file", _join)

    def compressed(self, day: Input) -> Input:
        """Return the same files, each compressed as .gz."""
        return self._derive(day, "gz", _compress)

    def _derive(self, day: Input, name: str, change: Callable[[list[Path], Path], None]) -> Input:
        def make(target: Path) -> tuple[int, int]:
            change(day.files, target)
            return day.lines, day.unique

        return self._find_or_make(f"{day.folder.name}-{name}", make)

    def _find_or_make(self, name: str, make: Callable[[Path], tuple[int, int]]) -> Input:
        folder = self._folder / fingerprint("make_events.py", "bench/inputs.py") / name
        if not folder.exists():
            unfinished = folder.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            raw = unfinished / SOURCE_PATH / DATE
            raw.mkdir(parents=True)
            lines, unique = make(raw)
            (unfinished / "counts.json").write_text(json.dumps({"lines": lines, "unique": unique}))
            unfinished.rename(folder)
        return Input(folder, **json.loads((folder / "counts.json").read_text()))


def make_files(
    folder: Path,
    *,
    lines: int,
    seed: int,
    is_distinct: bool,
    files: int = FILES,
    processes: int | None = None,
) -> tuple[int, int]:
    """Write the files, the same with any number of processes; return how many lines and unique events."""
    make = partial(_make_file, folder, lines=lines, seed=seed, is_distinct=is_distinct, files=files)
    with ProcessPoolExecutor(processes or os.cpu_count()) as pool:
        counts = sum(pool.map(make, range(files)), Counter[str]())
    return counts["lines"], counts["unique"]


def _make_file(
    folder: Path, number: int, *, lines: int, seed: int, is_distinct: bool, files: int
) -> Counter[str]:
    start, end = lines * number // files, lines * (number + 1) // files
    generator = Generator(
        f"{seed}/{number}", first_number=start + 1, trace_bytes=TRACE_BYTES, is_distinct=is_distinct
    )
    with (folder / f"events_{number:03}.jsonl").open("wb") as file:
        file.writelines(generator.line() + b"\n" for _ in range(end - start))
    return Counter(lines=generator.counts.lines, unique=generator.counts.unique)


def fingerprint(*files: str) -> str:
    """Return a digest of files below tools/: while it is the same, they make the same input."""
    contents = ((Path(__file__).parent.parent / file).read_bytes() for file in files)
    return sha256(b"".join(contents)).hexdigest()[:12]


def _lines(files: list[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            yield from file


def _split(files: list[Path], target: Path, *, lines_per_file: int) -> None:
    lines, number = _lines(files), 0
    while part := list(islice(lines, lines_per_file)):
        (target / f"events_{number:06}.jsonl").write_bytes(b"".join(part))
        number += 1


def _join(files: list[Path], target: Path) -> None:
    with (target / "events.jsonl").open("wb") as joined:
        for path in files:
            with path.open("rb") as file:
                shutil.copyfileobj(file, joined)


def _compress(files: list[Path], target: Path) -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(partial(_compress_file, target), files))


def _compress_file(target: Path, path: Path) -> None:
    with path.open("rb") as file, gzip.open(target / f"{path.name}.gz", "wb", compresslevel=6) as packed:
        shutil.copyfileobj(file, packed)

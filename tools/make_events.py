"""Make a day of raw events, varied and partly bad, and print what a correct load of them must count.

    python tools/make_events.py FOLDER --lines 3000 --files 4 --seed 1

writes FOLDER/events_000.jsonl and so on, and prints the true counts as JSON. The same arguments always make
the same bytes. The counts come from what was made, not from reading it back.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]

DUPLICATE_SHARE, BAD_SHARE, BLANK_SHARE = 0.04, 0.02, 0.005
WORDS = ["amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper", "kelp"]
CITIES = ["Zürich", "São Paulo", "東京", "Kraków", "Montréal", "القاهرة", "Reykjavík", "Łódź"]
SPELLINGS: list[Callable[[str], str]] = [str.upper, str.title, " {} ".format, str]
SOURCES = ["web", "mobile", "backoffice", "partner-api"]


@dataclass
class Counts:
    """What a correct load counts; ``invalid`` is by reason."""

    lines: int = 0
    blank: int = 0
    duplicates: int = 0
    unique: int = 0
    invalid: Counter[str] = field(default_factory=Counter)

    def as_fields(self) -> dict[str, Any]:
        raw, invalid = self.lines - self.blank, self.invalid.total()
        return {
            "lines": self.lines,
            "blank": self.blank,
            "raw": raw,
            "valid": raw - invalid,
            "invalid": invalid,
            "invalid_by_reason": dict(sorted(self.invalid.items())),
            "duplicates": self.duplicates,
            "unique": self.unique,
        }


class Generator:
    """Lines of one day; each event has a number of its own, so that only repetitions are duplicates.

    Args:
        seed: of all that is drawn.
        first_number: of the first line; generators of parts of one day need numbers of their own.
        trace_bytes: how many random hexadecimal digits each payload has in addition, in a field of its own.
        is_distinct: every line is an event that no other is: none is blank, bad or a duplicate.
    """

    def __init__(
        self, seed: int | str, *, first_number: int = 1, trace_bytes: int = 0, is_distinct: bool = False
    ) -> None:
        self._random = random.Random(seed)
        self._offset, self._trace_bytes, self._is_distinct = first_number - 1, trace_bytes, is_distinct
        self._recent: list[Event] = []
        self.counts = Counts()

    def line(self) -> bytes:
        """Return the next line without its line end, and count it."""
        self.counts.lines += 1
        draw = 1.0 if self._is_distinct else self._random.random()
        if draw < BLANK_SHARE:
            self.counts.blank += 1
            return self._random.choice([b"", b"  ", b"\t", b"\r"])
        if draw < BLANK_SHARE + BAD_SHARE:
            reason, make = self._random.choice(BAD_LINES)
            self.counts.invalid[reason] += 1
            return make(self._event())
        if draw < BLANK_SHARE + BAD_SHARE + DUPLICATE_SHARE and self._recent:
            self.counts.duplicates += 1
            return self._encode(self._varied(self._random.choice(self._recent)))
        self.counts.unique += 1
        event = self._event()
        self._remember(event)
        return self._encode(event)

    def _event(self) -> Event:
        kind = self._random.choice(list(PAYLOADS))
        payload = PAYLOADS[kind](self._random)
        payload["event_no"] = self._offset + self.counts.lines
        if self._trace_bytes:
            payload["trace"] = f"{self._random.getrandbits(4 * self._trace_bytes):0{self._trace_bytes}x}"
        return {"event_type": kind, "payload": payload, "source": self._random.choice(SOURCES)}

    def _remember(self, event: Event) -> None:
        if len(self._recent) < 500:
            self._recent.append(event)
        else:
            self._recent[self._random.randrange(500)] = event

    def _varied(self, event: Event) -> Event:
        """Return the same event, varied in key order, case and blanks of the type, and source."""
        payload = list(event["payload"].items())
        self._random.shuffle(payload)
        spell = self._random.choice(SPELLINGS)
        return {
            "source": self._random.choice(SOURCES),
            "payload": dict(payload),
            "event_type": spell(event["event_type"]),
        }

    def _encode(self, event: Event) -> bytes:
        is_ascii = self._random.random() < 0.5
        payload = _dump(event["payload"], is_ascii=is_ascii)
        if self._random.random() < 0.01:  # some producers send the payload as a string of JSON
            payload = json.dumps(payload)
        fields = [
            f"{json.dumps(key)}: {_dump(value, is_ascii=is_ascii)}"
            for key, value in event.items()
            if key != "payload"
        ]
        fields.insert(self._random.randrange(3), f'"payload": {payload}')
        return ("{" + ", ".join(fields) + "}").encode() + (b"\r" if self._random.random() < 0.02 else b"")


def _dump(value: Any, *, is_ascii: bool = True) -> str:
    """Return JSON in which ``"@1.50"`` is the number 1.50: a float would be written as 1.5."""
    return re.sub(r'"@([^"]+)"', r"\1", json.dumps(value, ensure_ascii=is_ascii))


def _page_view(draw: random.Random) -> Event:
    first, second, third = draw.sample(WORDS, 3)
    return {
        "url": f"/{first}/{second}?q={third}",
        "user_id": f"u{draw.randrange(10_000)}",
        "referrer": draw.choice([None, "https://example.com/", "android-app://example"]),
        "viewport": {"w": draw.choice([375, 1280, 1920]), "h": draw.choice([667, 800, 1080])},
    }


def _click(draw: random.Random) -> Event:
    return {
        "element": f"{draw.choice(WORDS)}_btn",
        "user_id": f"u{draw.randrange(10_000)}",
        "at": [draw.randrange(1920), draw.randrange(1080)],
        "double": draw.random() < 0.1,
    }


def _purchase(draw: random.Random) -> Event:
    items = [
        {"sku": f"p{draw.randrange(1000)}", "price": f"@{draw.randrange(1, 200)}.{draw.randrange(10)}0"}
        for _ in range(draw.randrange(1, 4))
    ]
    return {"order": draw.getrandbits(70), "items": items, "currency": draw.choice(["EUR", "JPY", "BRL"])}


def _search(draw: random.Random) -> Event:
    tail = draw.choice(["", " ☕", ' "quoted"', " back\\slash", "\ttab"])
    return {"query": " ".join(draw.sample(WORDS, 2)) + tail, "results": draw.randrange(200)}


def _signup(draw: random.Random) -> Event:
    return {
        "user_id": f"u{draw.randrange(10_000)}",
        "city": draw.choice(CITIES),
        "plan": draw.choice(["free", "team"]),
        "tags": draw.sample(WORDS, draw.randrange(4)),
    }


PAYLOADS: dict[str, Callable[[random.Random], Event]] = {
    "click": _click,
    "page_view": _page_view,
    "purchase": _purchase,
    "search": _search,
    "signup": _signup,
}

# What is wrong with a bad line, under the name that the load gives it, and how to make one of an event.
BAD_LINES: list[tuple[str, Callable[[Event], bytes]]] = [
    ("empty_event_type", lambda event: _dump({**event, "event_type": " "}).encode()),
    ("event_type_not_a_string", lambda event: _dump({**event, "event_type": 7}).encode()),
    ("event_type_too_long", lambda event: _dump({**event, "event_type": "x" * 256}).encode()),
    ("malformed_json", lambda event: _dump(event).encode()[:-9]),
    ("malformed_json", lambda event: _dump(event).replace('"', "'").encode()),
    ("malformed_payload", lambda event: _dump({**event, "payload": "not_a_dict"}).encode()),
    ("missing_event_type", lambda event: _dump(_without(event, "event_type")).encode()),
    ("missing_payload", lambda event: _dump(_without(event, "payload")).encode()),
    ("missing_source", lambda event: _dump({**event, "source": None}).encode()),
    ("not_an_object", lambda event: _dump(list(event)).encode()),
    ("not_utf8", lambda event: _dump({**event, "source": "caf@"}).encode().replace(b"@", b"\xe9")),
    ("nul_character", lambda event: _dump({**event, "payload": {"note": "a\0b"}}).encode()),
    ("payload_not_an_object", lambda event: _dump({**event, "payload": [1, 2]}).encode()),
]


def _without(event: Event, key: str) -> Event:
    return {name: value for name, value in event.items() if name != key}


def make_day(folder: Path, *, lines: int, files: int, seed: int) -> dict[str, Any]:
    """Write the files, about equally long, and return the true counts."""
    generator = Generator(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        share = lines * (number + 1) // files - lines * number // files
        with (folder / f"events_{number:03}.jsonl").open("wb") as file:
            file.writelines(generator.line() + b"\n" for _ in range(share))
    return generator.counts.as_fields()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=3000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts = make_day(options.folder, lines=options.lines, files=options.files, seed=options.seed)
    print(json.dumps(counts, indent=2))


if __name__ == "__main__":
    main()

"""A run as others see it: its id in every line, and how it ended in the last one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_cli.run.result import RunResult
from platform_interfaces import Run

Platform = Callable[..., tuple[int, str, str]]
Module = Callable[..., Path]

WORKING = """
    async def run(ctx):
        run = ctx.run
        print(run.id, run.module, run.version, dict(run.arguments), run.started_at.utcoffset())
        ctx.log.info("Working", row=1)
        ctx.log.bind(part=2).warn("Slow")
        ctx.run.figures.update({figures})
        {ending}
"""


@pytest.fixture
def events(raw_platform: Platform) -> Callable[..., list[dict[str, Any]]]:
    """Run the module ``hello`` and return the events of its log."""

    def events(*args: str) -> list[dict[str, Any]]:
        _, _, err = raw_platform("run", "hello", "--log", "json", *args)
        return [json.loads(line) for line in err.splitlines() if line.startswith("{")]

    return events


Events = Callable[..., list[dict[str, Any]]]


def working(figures: str = "{}", ending: str = "return 0") -> str:
    return WORKING.replace("{figures}", figures).replace("{ending}", ending)


def test_a_run_knows_what_it_is(platform: Platform, module: Module) -> None:
    module(working(), args=[{"name": "whom", "type": "string"}])
    _, first, _ = platform("run", "hello", "--whom", "Ada")
    _, second, _ = platform("run", "hello", "--whom", "Ada")
    run_id, rest = first.split(" ", 1)
    assert (len(run_id), rest) == (32, "hello 1.0.0 {'whom': 'Ada'} 0:00:00\n")
    assert second.split(" ", 1)[0] != run_id


def test_every_line_of_a_run_has_its_id_and_its_module(
    events: Events, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    module(working(), dependencies={"interfaces": ["database", "logging"]})
    found = events("--db", "memory")
    assert {"Run", "Settings", "Applied migrations", "Working", "Slow", "Run complete"} <= {
        event["event"] for event in found
    }
    assert {(event["run_id"], event["module"]) for event in found} == {(found[0]["run_id"], "hello")}
    assert [(event["part"], event["level"]) for event in found if "part" in event] == [(2, "warn")]


def test_a_module_may_log_fields_of_the_same_names(events: Events, module: Module) -> None:
    module(working(ending='ctx.log.info("Own", run_id="mine"); return 0'))
    [own] = [event for event in events() if event["event"] == "Own"]
    assert (own["run_id"], own["module"]) == ("mine", "hello")


def test_the_last_line_of_a_run_has_its_exit_code_and_its_figures(events: Events, module: Module) -> None:
    module(working('{"lines": 3, "by_reason": {"no_type": 1}}'))
    last = events()[-1]
    assert last.pop("seconds") > 0
    assert last["figures"] == {"lines": 3, "by_reason": {"no_type": 1}}
    assert (last["event"], last["level"], last["exit_code"], last["version"]) == (
        "Run complete",
        "info",
        0,
        "1.0.0",
    )


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        ("return 3", "module 'hello' returned 3: its log says why"),
        (
            "raise RuntimeError('boom')",
            "module 'hello' failed: RuntimeError: boom (hello_job/main.py:8 in run)",
        ),
    ],
)
def test_a_run_that_fails_says_why_and_reports_its_figures(
    raw_platform: Platform, events: Events, module: Module, ending: str, error: str
) -> None:
    module(working('{"lines": 3}', ending))
    last = events()[-1]
    assert (last["event"], last["level"], last["exit_code"]) == ("Run failed", "error", 1)
    assert (last["figures"], last["error"]) == ({"lines": 3}, error)
    _, _, err = raw_platform("run", "hello")
    assert err.splitlines()[-1] == f"error: {error}"


def test_a_run_that_is_refused_has_no_end(events: Events, module: Module) -> None:
    module(
        working(ending="from platform_interfaces import ConfigurationError; raise ConfigurationError('x')")
    )
    *others, last = events()
    assert (last["event"], last["failure_kind"], last["error"]) == ("Command failed", "configuration", "x")
    assert others[-1]["event"] == "Slow"


def test_a_figure_that_json_cannot_hold_is_named_and_the_run_succeeds(
    raw_platform: Platform, events: Events, module: Module
) -> None:
    module(working('{"lines": 3, "when": ctx.run.started_at, "rate": float("nan"), "all": ctx}'))
    assert raw_platform("run", "hello")[0] == 0
    *_, warning, last = events()
    assert (warning["level"], warning["names"]) == ("warn", "when, rate, all")
    assert last["figures"] == {"lines": 3}


def test_figures_are_taken_as_json_has_them() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    run = Run(figures={"pair": (1, 2), "by_code": {7: 1}, "cycle": cycle, "set": {1}, "bytes": b""})
    result = RunResult.of(run, 0, 1.5)
    assert result.figures == {"pair": [1, 2], "by_code": {"7": 1}}
    assert result.unreported == ("cycle", "set", "bytes")


def test_figures_that_raise_are_named_and_the_others_reported() -> None:
    class Rows(dict[str, int]):
        def items(self) -> Any:
            raise KeyError

    class Name:
        def __repr__(self) -> str:
            raise KeyError

    figures: dict[Any, Any] = {"rows": Rows(a=1), Name(): 1, "lines": 3}
    result = RunResult.of(Run(figures=figures), 0, 1.5)
    assert (result.figures, result.unreported) == ({"lines": 3}, ("rows", "<Name>"))


def test_secrets_in_arguments_and_figures_are_hidden(
    events: Events, module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    ending = 'ctx.run.figures["token"] = ctx.config["api-token"]; return 0'
    module(working(ending=ending), args=[{"name": "api-token", "type": "string"}])
    found = events("--api-token", "canary-in-an-argument")
    [arguments] = [event for event in found if event["event"] == "Arguments"]
    assert arguments["arguments"] == {"api-token": "***"}
    assert found[-1]["figures"] == {"token": "***"}
    assert "canary" not in json.dumps(found)

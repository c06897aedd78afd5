import tomllib
from pathlib import Path

import pytest

from tools.check_language import ROOT, Rules, check_file, list_files

TABLE = tomllib.loads(r"""
retired = [
    { word = "frobs?", in = "anywhere", write = "'set'" },
    { word = 'is[\s_]+odd', in = "anywhere", write = "'is uneven'" },
    { word = "spot", in = "names", write = "'index'" },
    { word = "_?gone", in = "functions", write = "a verb" },
    { word = "as it were", in = "docstrings", write = "the subject" },
]
openers = "The All"
max_file_lines = 20
max_function_lines = 3
unlimited_folders = ["tests"]
exceptions = [{ path = "old.py", subject = "frob", reason = "a file that may not be edited" }]
""")
RULES = Rules.from_table(TABLE)


def findings(text: str, path: str = "new.py") -> list[tuple[int, str]]:
    return [(finding.line, finding.subject) for finding in check_file(RULES, path, text)]


def test_a_finding_says_where_it_is_and_what_to_write() -> None:
    found = [str(finding) for finding in check_file(RULES, "new.py", "x = 1\n# frobs\n")]
    assert found == ["new.py:2: 'frobs' is retired: write 'set'"]


@pytest.mark.parametrize(
    "text",
    [
        "# Frob it.",
        '"""Frob it."""',
        'print("do frob it")',
        "a.frob_it()",
        "def frob(): ...",
        "class FrobIt: ...",
    ],
)
def test_a_word_is_found_in_names_docstrings_comments_and_messages(text: str) -> None:
    assert findings(text) == [(1, "frob")]


def test_a_phrase_is_found_over_the_end_of_a_line_and_in_names() -> None:
    assert findings('"""It is\nodd."""\n\n\ndef test_one_is_odd(): ...\n') == [(1, "is odd"), (5, "is_odd")]


def test_a_word_inside_another_word_is_not_found() -> None:
    assert findings("frobnicate = this_odd = respot = 1") == []


@pytest.mark.parametrize(
    "text",
    [
        "spot = 1",
        "old_spot: int = 1",
        "self.spot = 1",
        "def f(spot): ...",
        "class OldSpot: ...",
        "for spot in (): ...",
    ],
)
def test_a_retired_name_is_found_where_it_is_defined(text: str) -> None:
    assert findings(text) == [(1, "spot")]


def test_a_retired_name_is_found_in_the_name_of_a_file_and_not_in_prose() -> None:
    assert findings("# The spot.\n", "pkg/spot.py") == [(1, "spot")]


def test_the_name_of_a_test_is_prose() -> None:
    assert findings("def test_the_spot_is_blank(): ...\n") == []


def test_a_function_that_is_not_a_verb_is_found_unless_it_is_a_value() -> None:
    assert findings("def gone(): ...\ndef is_gone(): ...\n@property\ndef _gone(self): ...\n") == [(1, "gone")]


@pytest.mark.parametrize("opener", ["The result.", "All: of it.", "``text`` as it is.", "0 if well."])
def test_a_docstring_that_does_not_begin_with_a_verb_is_found(opener: str) -> None:
    assert findings(f'def f():\n    """{opener}"""\n') == [(2, opener.split()[0])]


def test_docstrings_of_classes_and_tests_begin_as_they_like() -> None:
    assert findings('class C:\n    """The C."""\n\n\ndef test_c():\n    """The C."""\n') == []


def test_a_phrase_of_docstrings_is_found_in_docstrings_only() -> None:
    assert findings('"""Is, as it were."""\n# as it were\n') == [(1, "as it were")]


def test_long_files_and_functions_are_found() -> None:
    lines = "    x = 1\n" * 3
    assert findings(f"def f():\n{lines}") == [(1, "f")]
    assert findings("x = 1\n" * 21) == [(1, "file")]


def test_a_docstring_does_not_make_a_function_long() -> None:
    assert findings('def f():\n    """Do it.\n\n    Slowly.\n    """\n    x = 1\n    x = 2\n') == []


def test_tests_may_be_long() -> None:
    assert findings("x = 1\n" * 21, "pkg/tests/test_a.py") == []


def test_an_exception_is_of_one_file_and_one_subject() -> None:
    assert findings("frob = frobs = 1\n", "old.py") == [(1, "frobs")]


def test_code_in_a_page_is_passed_over() -> None:
    assert findings("- `frob` is now `set`; do not frob.\n", "CHANGELOG.md") == [(1, "frob")]


def test_hidden_and_built_folders_are_not_checked(tmp_path: Path) -> None:
    for name in ("a.py", "b.md", "c.txt", "Makefile", ".venv/d.py", "build/e.py", "pkg/f.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [file.relative_to(tmp_path).as_posix() for file in list_files(tmp_path)]
    assert found == ["Makefile", "a.py", "b.md", "pkg/f.py"]


def test_the_exceptions_of_the_project_are_of_files_that_exist() -> None:
    rules = Rules.from_table(tomllib.loads((ROOT / "tools" / "language.toml").read_text()))
    assert all((ROOT / path).is_file() and reason for (path, _), reason in rules.exceptions.items())

"""Find the words, docstrings and sizes that the project has retired; exit 1 with a line for each.

``language.toml`` lists them, and ``docs/glossary.md`` explains them. Paths may be given, to check less.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
CHECKED_SUFFIXES = (".py", ".md")
CHECKED_NAMES = ("Makefile", "module.json")
IGNORED_FOLDERS = ("__pycache__", "build", "dist")

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


class Finding(NamedTuple):
    """A breach of the rules: ``subject`` is the word, the function or ``file``, as exceptions name it."""

    path: str
    line: int
    subject: str
    advice: str

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"{self.path}:{self.line}: {self.advice}"


class Words:
    """The retired words of one or more scopes, as one pattern."""

    def __init__(self, retired: Iterable[dict[str, str]], *scopes: str) -> None:
        chosen = [entry for entry in retired if entry["in"] in scopes]
        self._advice = [entry["write"] for entry in chosen]
        any_of = "|".join(f"({entry['word']})" for entry in chosen) or "(?!)"
        self._pattern = re.compile(rf"(?<![A-Za-z])(?:{any_of})(?![A-Za-z])", re.IGNORECASE)

    def find(self, path: str, first_line: int, text: str) -> Iterator[Finding]:
        """Yield a finding for each retired word in ``text``, which begins on ``first_line``."""
        for match in self._pattern.finditer(text):
            word = " ".join(match[0].lower().split())
            line = first_line + text.count("\n", 0, match.start())
            advice = self._advice[(match.lastindex or 0) - 1]
            yield Finding(path, line, word, f"{word!r} is retired: write {advice}")


@dataclass(frozen=True)
class Rules:
    """The rules that ``language.toml`` lists."""

    text_words: Words
    name_words: Words
    function_words: Words
    docstring_words: Words
    openers: frozenset[str]
    max_file_lines: int
    max_function_lines: int
    unlimited_folders: frozenset[str]
    exceptions: dict[tuple[str, str], str]

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> "Rules":
        """Return the rules of a parsed ``language.toml``."""
        retired = table["retired"]
        return cls(
            text_words=Words(retired, "anywhere"),
            name_words=Words(retired, "anywhere", "names"),
            function_words=Words(retired, "functions"),
            docstring_words=Words(retired, "docstrings"),
            openers=frozenset(table["openers"].split()),
            max_file_lines=table["max_file_lines"],
            max_function_lines=table["max_function_lines"],
            unlimited_folders=frozenset(table["unlimited_folders"]),
            exceptions={(entry["path"], entry["subject"]): entry["reason"] for entry in table["exceptions"]},
        )


def check_file(rules: Rules, path: str, text: str) -> list[Finding]:
    """Return the findings in one file, in the order of its lines."""
    if path.endswith(".md"):
        text = re.sub("`[^`\n]+`", lambda code: " " * len(code[0]), text)
    findings = set(rules.text_words.find(path, 1, text))
    if path.endswith(".py"):
        findings |= set(_check_python(rules, path, text))
    return sorted(finding for finding in findings if (path, finding.subject) not in rules.exceptions)


def _check_python(rules: Rules, path: str, text: str) -> Iterator[Finding]:
    is_unlimited = not rules.unlimited_folders.isdisjoint(path.split("/"))
    if not is_unlimited and (lines := text.count("\n")) > rules.max_file_lines:
        yield Finding(path, 1, "file", f"{lines} lines: split it, {rules.max_file_lines} are the limit")
    yield from rules.name_words.find(path, 1, Path(path).stem)
    for node in ast.walk(ast.parse(text)):
        yield from _check_name(rules, path, node)
        if isinstance(node, Documented):
            yield from _check_docstring(rules, path, node)
        if isinstance(node, Function) and not is_unlimited:
            yield from _check_length(rules, path, node)


def _check_name(rules: Rules, path: str, node: ast.AST) -> Iterator[Finding]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            pass
        case (
            ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store())
        ):
            pass
        case _:
            return
    if name.startswith("test_"):  # a sentence, which the rules for all text see to
        return
    line: int = node.lineno
    yield from rules.name_words.find(path, line, re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name))
    if isinstance(node, Function) and not _is_noun(node):
        yield from (found for found in rules.function_words.find(path, line, name) if found.subject == name)


def _is_noun(function: Function) -> bool:
    """Return whether the function is used as a value: a property or a fixture."""
    names = " ".join(map(ast.unparse, function.decorator_list))
    return re.search(r"property|fixture|setter|overload", names) is not None


def _check_docstring(rules: Rules, path: str, node: Documented) -> Iterator[Finding]:
    docstring = ast.get_docstring(node)
    if docstring is None:
        return
    line = node.body[0].lineno
    yield from rules.docstring_words.find(path, line, docstring)
    if isinstance(node, Function) and not node.name.startswith("test_"):
        opener = (docstring.split() or [""])[0]
        if opener.rstrip(",:;.") in rules.openers or not opener[:1].isalpha():
            advice = f"the docstring of {node.name!r} begins with {opener!r}: begin with a verb"
            yield Finding(path, line, opener, advice)


def _check_length(rules: Rules, path: str, function: Function) -> Iterator[Finding]:
    """Yield a finding when the function is too long; its docstring does not count."""
    length = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        first = function.body[0]
        length -= (first.end_lineno or 0) - first.lineno + 1
    if length > rules.max_function_lines:
        advice = f"{function.name!r} has {length} lines: split it, {rules.max_function_lines} are the limit"
        yield Finding(path, function.lineno, function.name, advice)


def list_files(path: Path) -> Iterator[Path]:
    """Yield the files that are checked, at or below ``path``, without hidden folders and what is built."""
    if path.is_dir():
        for child in sorted(path.iterdir()):
            if not child.name.startswith(".") and child.name not in IGNORED_FOLDERS:
                yield from list_files(child)
    elif path.suffix in CHECKED_SUFFIXES or path.name in CHECKED_NAMES:
        yield path


def main(arguments: Sequence[str]) -> int:
    """Check the files and print the findings; return the exit code."""
    rules = Rules.from_table(tomllib.loads((ROOT / "tools" / "language.toml").read_text()))
    findings = [
        finding
        for argument in arguments or [str(ROOT)]
        for file in list_files(Path(argument).resolve())
        for finding in check_file(rules, file.relative_to(ROOT).as_posix(), file.read_text())
    ]
    for finding in findings:
        print(finding, file=sys.stderr)
    if findings:
        print(f"language: {len(findings)} findings", file=sys.stderr)
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The fenced blocks of the pages, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parents[2]
GLOBS = ("*.md", "docs/**/*.md", "packages/*/README.md", "modules/*/README.md", "examples/*/README.md")
PAGES = sorted(page.relative_to(REPOSITORY).as_posix() for glob in GLOBS for page in REPOSITORY.glob(glob))
SHELLS = ("bash", "console")

_REASON = re.compile(r"<!-- not run: (.+?) -->\s*")
_EXIT_CODE = re.compile(r"<!-- exits with (\d+) -->\s*")
# Up to what ends a command in a shell, or the quotes around it in another language.
_COMMAND = re.compile(r"(?<![\w-])platform ([a-z](?:\"[^\"]*\"|[^\n;|&'<>\"])*)")


@dataclass(frozen=True)
class Block:
    """A fenced block, or code in a sentence: its line in the page, why it is not run, how it ends."""

    line: int
    language: str
    text: str
    reason: str = ""
    exit_code: int = 0

    @property
    def is_run(self) -> bool:
        """Return whether the test of the page runs it: shell, and Python that starts something."""
        is_program = self.language == "python" and "asyncio.run(" in self.text
        return not self.reason and (self.language in SHELLS or is_program)


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order; a comment just above one says why it is not run, or fails."""
    blocks, comment, line = [], "", 0
    for token in MarkdownIt().enable("table").parse((REPOSITORY / page).read_text(encoding="utf-8")):
        line = token.map[0] + 1 if token.map else line
        if token.type == "fence":
            reason, code = _REASON.fullmatch(comment), _EXIT_CODE.fullmatch(comment)
            block = Block(line, token.info.strip(), token.content, reason[1] if reason else "")
            blocks.append(replace(block, exit_code=int(code[1])) if code else block)
        parts = (part for part in token.children or () if part.type == "code_inline")
        blocks.extend(Block(line, "", part.content) for part in parts)
        comment = token.content if token.type == "html_block" else ""
    return blocks


def find_commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``platform …`` in a text of any language, unless one is a placeholder."""
    for match in _COMMAND.finditer(text.replace("\\\n", " ")):
        words = shlex.split(match[1], comments=True)
        if not any(word.isupper() or word.startswith(("[", "…")) for word in words):
            yield words

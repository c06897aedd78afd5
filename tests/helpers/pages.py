"""The fenced blocks of the pages, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parents[2]
GLOBS = ("*.md", "docs/**/*.md", "packages/*/README.md", "modules/*/README.md", "examples/*/README.md")
PAGES = sorted(page.relative_to(REPOSITORY).as_posix() for glob in GLOBS for page in REPOSITORY.glob(glob))
SHELLS = ("bash", "console")

_REASON = re.compile(r"<!-- not run: (.+?) -->\s*")
# Up to what ends a command in a shell, or the quotes around it in another language.
_COMMAND = re.compile(r"(?<![\w-])platform ([a-z](?:\"[^\"]*\"|[^\n;|&'<>\"])*)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its first line in the page, its language, its text, and why it is not run."""

    line: int
    language: str
    text: str
    reason: str

    @property
    def is_run(self) -> bool:
        """Return whether the test of the page runs it: shell, and Python that starts something."""
        is_program = self.language == "python" and "asyncio.run(" in self.text
        return not self.reason and (self.language in SHELLS or is_program)


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order; a comment just above one says why it is not run."""
    blocks, reason = [], ""
    for token in MarkdownIt().parse((REPOSITORY / page).read_text(encoding="utf-8")):
        if token.type == "fence":
            blocks.append(Block((token.map or [0])[0] + 1, token.info.strip(), token.content, reason))
        match = _REASON.fullmatch(token.content) if token.type == "html_block" else None
        reason = match[1] if match else ""
    return blocks


def find_commands(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each ``platform …`` in a text of any language."""
    for match in _COMMAND.finditer(text.replace("\\\n", " ")):
        yield shlex.split(match[1], comments=True)

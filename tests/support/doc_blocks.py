"""The fenced blocks of the documentation, and the commands in them with what the page says that they print."""

import re
import shlex
from typing import NamedTuple

from places import ROOT

NAMES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [path for path in (*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]
FENCE = re.compile(r"^( *)```([\w-]*)([^\n]*)\n(.*?)^ *```\n?", re.MULTILINE | re.DOTALL)
# A block is a file where its first line is a comment with the name, or its fence has it: ```csv title="labels.csv"
NAMED = re.compile(r'^.*title="([^"]+)"|\A.*\n# ([\w./-]+\.(?:toml|py))\b')


class Block(NamedTuple):
    """A fenced block."""

    page: str
    line: int  # of its fence
    language: str  # "" where the fence names none
    text: str
    file: str | None  # its name, if it is a file
    printed: str | None  # the block without a language that follows it at once: what it prints

    @property
    def first(self):
        """Its first line."""
        return self.text.partition("\n")[0]


class Command(NamedTuple):
    """A line after `$`, without its comment and with the lines that it goes on in; the lines below it."""

    page: str
    line: int
    text: str
    printed: str

    @property
    def words(self):
        return shlex.split(self.text)


def read_page(path):
    """The blocks of a page in their order, without those that show what the block before them prints."""
    page, name, blocks, end = path.read_text(), path.relative_to(ROOT).as_posix(), [], 0
    for found in FENCE.finditer(page):
        lines = [line.removeprefix(found[1]) for line in found[4].splitlines(keepends=True)]
        named = NAMED.search(f"{found[3]}\n{''.join(lines)}")
        file = (named[1] or named[2]) if named else None
        block = Block(name, page.count("\n", 0, found.start()) + 1, found[2], "".join(lines), file, None)
        follows = blocks and blocks[-1].language == "python" and not page[end : found.start()].strip()
        if follows and not block.language:
            blocks[-1] = blocks[-1]._replace(printed=block.text)
        else:
            blocks.append(block)
        end = found.end()
    return blocks


def read_commands(block):
    """The commands of a block of the language `console`."""
    commands = []
    lines = enumerate(block.text.splitlines(), block.line + 1)
    for number, line in lines:
        if not line.startswith("$ "):
            assert commands, f"{block.page}:{number}: a block of commands begins with `$ `"
            commands[-1] = commands[-1]._replace(printed=f"{commands[-1].printed}{line}\n")
            continue
        text = line.removeprefix("$ ")
        while text.endswith("\\"):
            text = text[:-1] + next(lines)[1]
        commands.append(Command(block.page, number, re.sub(r"\s+# .*$", "", text).strip(), ""))
    return commands


BLOCKS = {path: read_page(path) for path in PAGES}
COMMANDS = [
    command
    for blocks in BLOCKS.values()
    for block in blocks
    if block.language == "console"
    for command in read_commands(block)
]

"""Does what a page of docs/recipes says, block by block, in a generated project."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conftest import TEMPLATE, Done, Project

PAGES = TEMPLATE / "docs" / "recipes"
BLOCK = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)
PACKAGE = "customer_model"


@dataclass(frozen=True)
class Block:
    """Code of a page: a file that the line above names, or commands."""

    place: str
    language: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """A page's blocks in their order, for the package that the tests generate."""
    text = (PAGES / page).read_text(encoding="utf-8").replace("<package>", PACKAGE)
    for place, language, code in BLOCK.findall(text):
        yield Block(place, language, code)


def follow(
    project: Project,
    page: str,
    only: str = "",
    env: Mapping[str, str] | None = None,
    exports: Mapping[str, str] | None = None,
) -> list[Done]:
    """Write its files, set its keys, change its lines and run its commands, as a reader would.

    `only` keeps to the blocks of files that it names, and leaves the commands out.
    `exports` has the values for the variables that the page exports.
    """
    done, known = [], dict(env or {})
    for block in blocks(page):
        if only and not re.search(only, block.place):
            continue
        if block.language == "sh":
            for line in block.text.splitlines():
                if exported := re.match(r"export (\w+)=", line):
                    known[exported[1]] = (exports or {})[exported[1]]
                else:
                    done.append(command(project, line, known))
        elif block.language == "diff":
            change(project.folder, block)
        elif block.place == "settings.toml":
            configure(project, block.text)
        else:
            path = project.folder / block.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    return done


def command(project: Project, line: str, env: Mapping[str, str] | None = None) -> Done:
    """One line of a shell; `uv run ml` in a fork that has the libraries loaded."""
    into, _, rest = line.rpartition(" && ")
    folder = project.folder / into.removeprefix("cd ") if into else project.folder
    if rest.startswith("uv run ml ") and project.forks:
        source = {"PYTHONPATH": str(project.folder / "src")}
        return Project(folder, project.forks).ml(*shlex.split(rest)[3:], env=source | (env or {}))
    return project.run("bash", "-euc", line, env={"UV_NO_SYNC": "1", **(env or {})})


def change(folder: Path, block: Block) -> None:
    """Replace lines, wherever they are in the files of that name; they have to be there."""
    lines = block.text.splitlines(keepends=True)
    old, new = ("".join(li[1:] for li in lines if li[0] in f" {sign}") for sign in "-+")
    found = [path for path in folder.glob(block.place) if old in path.read_text(encoding="utf-8")]
    assert found, f"no {block.place} holds\n{old}"
    for path in found:
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def configure(project: Project, wanted: str) -> None:
    """Set keys where settings.toml has them, or has them as a comment."""
    path, section = project.folder / "settings.toml", ""
    head, *rest = re.split(r"^(?=\[)", path.read_text(encoding="utf-8"), flags=re.M)
    parts = {"": head, **{part.split("\n")[0]: part for part in rest}}
    for line in wanted.splitlines():
        if line.startswith("["):
            section = line
        elif line:
            key = line.split(" = ")[0]
            pattern, part = rf"^(?:# )?{key} = .*$", parts[section]
            assert re.search(pattern, part, re.M), f"settings.toml has no {key} in {section}"
            parts[section] = re.sub(pattern, lambda _, line=line: line, part, flags=re.M)
    path.write_text("".join(parts.values()), encoding="utf-8")

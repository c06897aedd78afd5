"""The files of a new package, from those of its template.

In a file of a template, a line ``# [a, not b]`` (in pages ``<!-- [a, not b] -->``) begins a region for
packages with the feature ``a`` and without ``b``; ``# [end]`` ends it. A file or folder named after a feature
is for packages with it. The template itself has all of them, so it is linted, typed and tested as it is.
"""

import ast
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from platform_cli.manifest import INTERFACE_KINDS
from platform_cli.scaffold.new_package import NewPackage
from platform_cli.scaffold.origin import Source
from platform_cli.scaffold.workspace import Workspace

TEMPLATES = Path(__file__).parents[1] / "templates"

_MIGRATIONS, _PROJECT, _WORKSPACE = "migrations", "project", "workspace"
_FEATURES = {name: name for name in (*INTERFACE_KINDS, _MIGRATIONS)}
_FEATURES |= {"samples": "filesystem", ".env": _PROJECT, ".gitignore": _PROJECT}
_MARK = re.compile(r"\s*(?:#|<!--) \[([a-z, ]+)\](?: -->)?")
_IMPORT = re.compile(r"(?:from (\S+) )?import ([\w., ]+)")


def render(new: NewPackage, workspace: Workspace | None, sources: Mapping[str, Source]) -> dict[Path, bytes]:
    """Return the files of the package, by their path in its folder.

    Args:
        new: what to render.
        workspace: whose licence and Python the package has; None for a project of its own.
        sources: where such a project gets the packages of the platform from.
    """
    features = new.features | {_WORKSPACE if workspace else _PROJECT}
    files = {}
    for path in _find_files(new.template, features):
        text = _select((TEMPLATES / new.template / path).read_text(encoding="utf-8"), features)
        text, target = _rename(new, text), Path(_rename(new, path.as_posix()))
        if path.suffix == ".py":
            text = _tidy(text)
        if path.name == "module.json":
            text = _adapt_manifest(text, features)
        if path.name == "pyproject.toml":
            text = _adapt_pyproject(text, workspace, sources)
        files[target] = text.encode()
    if workspace and (licence := workspace.root / "LICENSE").is_file():
        files[Path("LICENSE")] = licence.read_bytes()
    return files


def _find_files(template: str, features: Collection[str]) -> Iterator[Path]:
    for file in sorted((TEMPLATES / template).rglob("*")):
        path = file.relative_to(TEMPLATES / template)
        names = [part if part in _FEATURES else Path(part).stem.removeprefix("test_") for part in path.parts]
        is_wanted = all(_FEATURES.get(name, name) in features for name in names if name in _FEATURES)
        # What tools leave in a template when it is worked on.
        is_left_over = any(part.startswith(".") and part not in _FEATURES for part in path.parts)
        if file.is_file() and is_wanted and not is_left_over and "__pycache__" not in path.parts:
            yield path


def _select(text: str, features: Collection[str]) -> str:
    kept: list[str] = []
    regions: list[bool] = []
    for line in text.splitlines():
        mark = _MARK.fullmatch(line)
        if mark is None:
            kept += [line] if all(regions) else []
        elif mark[1] == "end":
            regions.pop()
        else:
            regions.append(
                all(
                    (name.removeprefix("not ") in features) is not name.startswith("not ")
                    for name in mark[1].split(", ")
                )
            )
    return "\n".join(kept).rstrip("\n") + "\n" if kept else ""


def _rename(new: NewPackage, text: str) -> str:
    for old, name in zip(new.placeholder.spellings, new.name.spellings, strict=True):
        text = text.replace(old, name)
    return text


def _tidy(text: str) -> str:
    """Return Python with the imports that it uses, in the formatter's order of their new names."""
    blocks = text.split("\n\n")
    are_imports = [all(map(_IMPORT.fullmatch, block.split("\n"))) for block in blocks]
    code = "\n".join(block for block, is_import in zip(blocks, are_imports, strict=True) if not is_import)
    nodes = [*ast.walk(ast.parse(code))]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}  # those in __all__
    tidied = [
        _tidy_imports(block.split("\n"), used) if is_import else block
        for block, is_import in zip(blocks, are_imports, strict=True)
    ]
    return "\n\n".join(block for block, was in zip(tidied, blocks, strict=True) if block or not was)


def _tidy_imports(lines: list[str], used: Collection[str]) -> str:
    kept = []
    for line in lines:
        head, _, names = line.rpartition("import ")
        if wanted := [name for name in names.split(", ") if name.split()[-1].partition(".")[0] in used]:
            kept.append(f"{head}import {', '.join(wanted)}")
    return "\n".join(sorted(kept, key=lambda line: (line.startswith("from"), line.split()[1])))


def _adapt_manifest(text: str, features: Collection[str]) -> str:
    manifest = json.loads(text)
    if _MIGRATIONS not in features:
        del manifest["migrations"]
    manifest["dependencies"]["interfaces"] = [kind for kind in INTERFACE_KINDS if kind in features]
    if "filesystem" not in features:
        manifest["args"] = [arg for arg in manifest["args"] if arg["name"] != "source-path"]
    return json.dumps(manifest, indent=2) + "\n"


def _adapt_pyproject(text: str, workspace: Workspace | None, sources: Mapping[str, Source]) -> str:
    document: Any = tomlkit.parse(text)
    if workspace:
        root = workspace.manifest.get("project", {})
        for key in ("requires-python", "license"):  # each member has those of the root
            if key in root:
                document["project"][key] = root[key]
    needed = {re.split(r"[\[><=]", need)[0] for need in document["dependency-groups"]["dev"]}
    needed |= {re.split(r"[\[><=]", need)[0] for need in document["project"]["dependencies"]}
    for name in sorted(needed & sources.keys()):
        document["tool"]["uv"]["sources"][name] = _to_inline_table(sources[name])
    return tomlkit.dumps(document)


def _to_inline_table(values: Source) -> Any:
    pairs = (f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items())
    return tomlkit.value(f"{{ {', '.join(pairs)} }}")

"""A module's ``module.json``: what it is, which interfaces it uses, which arguments it takes."""

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from platform_cli import registry
from platform_cli._json_object import JsonObject
from platform_cli.flags import FLAGS
from platform_cli.interfaces import INTERFACES
from platform_interfaces import ConfigurationError

INTERFACE_KINDS = tuple(each.kind for each in INTERFACES)
ARGUMENT_TYPES = ("boolean", "float", "integer", "string")

PLATFORM = "platform"
"""The owner of the migrations that come before those of all modules."""

Value = str | int | float | bool

_RESERVED_KEYS = {*(flag.key for flag in FLAGS), "no_auto_migrate", "help", "json", "quiet", "verbose"}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "float": (float, int),
    "integer": (int,),
    "string": (str,),
}


@dataclass(frozen=True)
class Argument:
    """One argument of a module; ``default`` is None where it has none.

    ``default_in`` has the defaults of the environments that have their own; ``example`` is the value in the
    example of the help, None where the help makes one up; ``is_part_of_load`` is whether runs with other
    values of it load something else.
    """

    name: str
    description: str
    type: str
    is_required: bool
    default: Value | None
    choices: tuple[Value, ...]
    default_in: Mapping[str, Value] = field(default_factory=dict)
    example: Value | None = None
    is_part_of_load: bool = True

    @property
    def key(self) -> str:
        """Return the name as Python and click spell it; no two arguments share it."""
        return self.name.replace("-", "_").lower()


@dataclass(frozen=True)
class Manifest:
    """The content of a ``module.json``, checked; ``migrations`` is the path of a folder, or empty."""

    name: str
    package: str
    display_name: str
    description: str
    version: str
    interfaces: tuple[str, ...]
    modules: tuple[str, ...]
    arguments: tuple[Argument, ...]
    migrations: str


def read_in_order(names: Iterable[str]) -> list[Manifest]:
    """Return the manifests of modules and of all they need: each after those it needs, else by name.

    Raises:
        ConfigurationError: when one cannot be read, or modules need each other.
    """
    found: dict[str, Manifest] = {}

    def visit(name: str, needed_by: tuple[str, ...]) -> None:
        if name in needed_by:
            raise ConfigurationError(f"modules need each other: {' → '.join((*needed_by, name))}")
        if name not in found:
            try:
                manifest = read_manifest(name)
            except ConfigurationError as error:
                if not needed_by:
                    raise
                raise ConfigurationError(f"module {needed_by[-1]!r} needs {name!r}: {error}") from error
            for each in sorted(manifest.modules):
                visit(each, (*needed_by, name))
            found[name] = manifest

    for name in sorted(names):
        visit(name, ())
    return [*found.values()]


def read_manifest(name: str) -> Manifest:
    """Return the manifest of an installed module, without importing any of the module's code.

    Raises:
        ConfigurationError: when the module is not installed, or its file is missing or wrong; one line for
            each problem, with file and key.
    """
    package = registry.reference("modules", name)
    file = _find(name, package)
    problems: list[str] = []
    manifest = _read(JsonObject(_load(file), "", problems), package, os.path.dirname(file))
    if registry.composed(manifest.name) != registry.composed(name):
        problems.append(f"name: it is {manifest.name!r}, but the module is installed as {name!r}")
    if problems:
        raise ConfigurationError("\n".join(f"{file}: {problem}" for problem in problems))
    return manifest


def _find(name: str, package: str) -> str:
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    for folder in (spec and spec.submodule_search_locations) or ():
        if os.path.isfile(file := os.path.join(folder, "module.json")):
            return file
    raise ConfigurationError(f"module {name!r} has no 'module.json' beside the __init__.py of {package!r}")


def _load(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8-sig") as text:
            data = json.load(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: it is not readable JSON: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file}: it must hold one JSON object")
    return data


def _read(data: JsonObject, package: str, folder: str) -> Manifest:
    dependencies = data.object("dependencies")
    name = data.get("name", str, "")
    if (kind := data.get("type", str, "job")) != "job":
        data.problem("type", f"it must be 'job', not {kind!r}")
    manifest = Manifest(
        name=name,
        package=package,
        display_name=data.get("display_name", str, name),
        description=data.get("description", str, ""),
        version=data.get("version", str, ""),
        interfaces=dependencies.names("interfaces", INTERFACE_KINDS),
        modules=dependencies.names("modules"),
        arguments=tuple(_argument(argument) for argument in data.objects("args")),
        migrations=_read_migrations(data, folder),
    )
    _check_names(data, manifest.arguments)
    _check_migrations(data, manifest)
    dependencies.finish()
    data.finish()
    return manifest


def _read_migrations(data: JsonObject, folder: str) -> str:
    name = data.get("migrations", str, "")
    if not name:
        return ""
    if not re.fullmatch(r"\w+(/\w+)*", name):
        data.problem("migrations", f"{name!r} must name a folder in the package, such as 'migrations'")
    elif not os.path.isdir(path := os.path.join(folder, *name.split("/"))):
        data.problem("migrations", f"there is no folder {path!r}: make it")
    else:
        return path
    return ""


def _check_migrations(data: JsonObject, manifest: Manifest) -> None:
    if manifest.migrations and "database" not in manifest.interfaces:
        data.problem("migrations", "they need 'database' in dependencies.interfaces")
    if manifest.migrations and (manifest.name == PLATFORM or "/" in manifest.name):
        data.problem("migrations", f"a module named {manifest.name!r} cannot own migrations: rename it")


def _argument(data: JsonObject) -> Argument:
    argument = Argument(
        name=data.get("name", str, ""),
        description=data.get("description", str, ""),
        type=data.choice("type", ARGUMENT_TYPES),
        is_required=data.get("required", bool, False),
        default=data.get("default", object, None),  # type: ignore[arg-type] # checked below
        choices=tuple(data.get("choices", list, [])),
        default_in=data.get("default_in", dict, {}),
        example=data.get("example", object, None),  # type: ignore[arg-type] # likewise
        is_part_of_load=data.get("part_of_load", bool, True),
    )
    _check_values(data, argument)
    data.finish()
    return argument


def _check_values(data: JsonObject, argument: Argument) -> None:
    for value in argument.choices:
        if argument.type in ARGUMENT_TYPES and not _is(argument.type, value):
            data.problem("choices", f"{value!r} is not of type {argument.type}")
    if argument.choices and argument.type == "boolean":
        data.problem("choices", "a boolean has no choices")
    if argument.default is not None:
        _check_value(data, argument, "default", argument.default)
    if argument.example is not None:
        _check_value(data, argument, "example", argument.example)
    if argument.is_required and argument.default is not None:
        data.problem("default", "a required argument has none")
    if argument.is_required and argument.default_in:
        data.problem("default_in", "a required argument has none")
    for env, value in argument.default_in.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]+", env):
            data.problem("default_in", f"{env!r} cannot be the name of an environment")
        _check_value(data, argument, f"default_in.{env}", value)


def _check_value(data: JsonObject, argument: Argument, key: str, value: object) -> None:
    if argument.type in ARGUMENT_TYPES and not _is(argument.type, value):
        data.problem(key, f"{value!r} is not of type {argument.type}")
    elif argument.choices and value not in argument.choices:
        data.problem(key, f"{value!r} is none of the choices")


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _PYTHON_TYPES[kind])


def _check_names(data: JsonObject, arguments: Iterable[Argument]) -> None:
    taken = dict.fromkeys(_RESERVED_KEYS, "of the platform")
    for index, argument in enumerate(arguments):
        where = f"args[{index}].name"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*", argument.name):
            data.problem(
                where, f"{argument.name!r} must be letters and digits, with single '-' or '_' between"
            )
        keys = [argument.key, f"no_{argument.key}"] if argument.type == "boolean" else [argument.key]
        for key in keys:
            if key in taken:
                data.problem(where, f"{argument.name!r} clashes with an option {taken[key]}: rename it")
            taken[key] = "of the module"

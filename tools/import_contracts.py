"""Contracts for import-linter that cover all root packages: a new member is fenced by its name alone."""

from typing import Any

from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract


class SiblingsContract(LayersContract):
    """All root packages stand on ``base``, which imports none of them; they do not import each other.

    Options:
        base: the root package below all others.
    """

    type_name = "siblings"

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        options = dict(contract_options)
        base = options.pop("base")
        siblings = [package for package in session_options["root_packages"] if package != base]
        super().__init__(name, session_options, options | {"layers": [" | ".join(siblings), base]})


class ConfinedContract(ForbiddenContract):
    """Only ``package`` imports the modules, also indirectly.

    Options:
        package: the root package that may.
        modules: what no other root package may import.
    """

    type_name = "confined"

    def __init__(self, name: str, session_options: dict[str, Any], contract_options: dict[str, Any]) -> None:
        options = dict(contract_options)
        package, modules = options.pop("package"), options.pop("modules")
        others = [other for other in session_options["root_packages"] if other != package]
        rules = {"source_modules": others, "forbidden_modules": modules}
        super().__init__(name, session_options, options | rules)

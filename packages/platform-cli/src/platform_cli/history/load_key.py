"""What a run loads: two runs with the same key and the same date would write the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from platform_cli._masking import hide_in
from platform_cli._render import show
from platform_cli.arguments import to_config
from platform_cli.history.record import RunRecord
from platform_cli.manifest import Argument

DATE = "date"
"""The argument that says which day is loaded."""


@dataclass(frozen=True)
class LoadKey:
    """What a run loads, except for its date.

    Attributes:
        module: its name.
        environment: the one that the settings come from.
        filesystem: the name of the adapter that the input is read from.
        root: where its files are; empty where the module uses none.
        items: the names and values of the arguments that are a part of it.
    """

    module: str
    environment: str
    filesystem: str
    root: str
    items: frozenset[tuple[str, Any]]

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Return the arguments, by name and in the order of the names."""
        return dict(sorted(self.items, key=itemgetter(0)))

    def find_difference(self, other: "LoadKey") -> str:
        """Return the first thing that is not so in ``other``, in words; empty where both are the same."""
        own, others = self.arguments, other.arguments
        pairs = [
            ("environment", self.environment, other.environment),
            ("file system", self.filesystem, other.filesystem),
            ("root", self.root, other.root),
            *((name, own.get(name), others.get(name)) for name in sorted({*own, *others})),
        ]
        return next((f"{name}={show(value)}" for name, value, wanted in pairs if value != wanted), "")


def make_load_key(record: RunRecord, arguments: tuple[Argument, ...]) -> LoadKey:
    """Return what a run loads.

    Args:
        record: the run.
        arguments: those that its module has now. The run had the default of an argument that it does not
            know; an argument that the module has no longer counts where it was given.
    """
    new = tuple(each for each in arguments if each.name not in record.arguments)
    defaults = to_config(new, dict.fromkeys(each.key for each in new), record.environment)
    ignored = {DATE, *(each.name for each in arguments if not each.is_part_of_load)}
    known = {each.name for each in arguments}
    items = {
        (name, show(value) if isinstance(value, dict | list) else value)
        for name, value in {**hide_in(defaults), **record.arguments}.items()
        if name not in ignored and (name in known or (value is not None and value is not False))
    }
    filesystem, root = (record.adapters.get(name, "") for name in ("filesystem", "root"))
    return LoadKey(record.module, record.environment, filesystem, root, frozenset(items))

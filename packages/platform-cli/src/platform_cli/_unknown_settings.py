"""Settings that nothing reads, most often because their name is mistyped."""

from collections.abc import Iterable
from typing import NamedTuple

from platform_cli import registry
from platform_cli._text import did_you_mean
from platform_cli.flags import FLAGS
from platform_cli.secrets import OWN_PREFIXES, Layer

_NEAR = 0.88
"""How similar to a known name a name must be to be reported if its prefix does not show that it is ours."""


class UnknownSetting(NamedTuple):
    """A name that is set and not known: where, and the nearest known name as a hint, or nothing."""

    name: str
    layer: str
    nearest: str

    def __str__(self) -> str:
        return f"{self.name} in {self.layer}{self.nearest}"


def find_unknown(layers: Iterable[Layer], asked: Iterable[str], *, is_complete: bool) -> list[UnknownSetting]:
    """Return the names that are set and not known.

    Args:
        layers: where settings come from; no value is shown.
        asked: what the adapters of this run have read.
        is_complete: whether nothing else may read a setting. Otherwise only a name that is like a known one
            is returned: an adapter or a module that is not the platform's may read the others later.
    """
    known = {*registry.KNOWN_SETTINGS, *(flag.variable for flag in FLAGS), *asked}
    found = []
    for layer in layers:
        for name in sorted(name for name, value in layer.values.items() if value and name not in known):
            is_ours = name.upper().startswith(OWN_PREFIXES if is_complete else "PLATFORM_")
            hint = did_you_mean(name, sorted(known), 0.6 if is_ours else _NEAR)
            if hint or is_ours:
                found.append(UnknownSetting(name, layer.name, hint))
    return found

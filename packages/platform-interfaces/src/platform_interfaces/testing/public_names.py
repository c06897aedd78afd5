"""Pin the public names of a package, so that a change of its API is deliberate."""

from collections.abc import Sequence
from inspect import ismodule
from types import ModuleType


def check_public_names(package: ModuleType, expected: Sequence[str]) -> None:
    """Check that ``__all__`` is ``expected``, in that order, and that it is all the package shows.

    Raises:
        AssertionError: when a name was added, removed or moved, is missing, or is visible but not listed.
    """
    listed = list(getattr(package, "__all__", []))
    assert listed == list(expected)
    assert [name for name in listed if not hasattr(package, name)] == []
    visible = {name for name, value in vars(package).items() if name[0] != "_" and not ismodule(value)}
    assert sorted(visible - {*listed, "TYPE_CHECKING"}) == []

import inspect

import platform_interfaces
from platform_interfaces import errors
from platform_interfaces.errors import PlatformError


def test_all_is_what_can_be_seen() -> None:
    visible = {
        name
        for name, value in vars(platform_interfaces).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert len(platform_interfaces.__all__) == len(set(platform_interfaces.__all__))
    assert set(platform_interfaces.__all__) == visible


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    kinds = {
        name: kind
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, PlatformError)
    }
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        text = line.lstrip(" │├└─")
        name = text.split(" ")[0]
        if name in kinds:
            depth = (len(line) - len(text)) // 4 - 1
            above = [*above[:depth], name]
            parents[name] = above[depth - 1] if depth else ""
    assert parents.pop("PlatformError") == ""
    assert parents == {
        name: kind.__bases__[0].__name__ for name, kind in kinds.items() if kind is not PlatformError
    }


def test_only_what_may_pass_by_itself_is_transient() -> None:
    transient = {name for name, kind in vars(errors).items() if getattr(kind, "is_transient", False)}
    assert transient == {
        "ConnectionLostError",
        "FileChangedError",
        "LockTimeoutError",
        "StatementTimeoutError",
        "TransactionConflictError",
    }

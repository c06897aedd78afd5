"""What an adapter may or may not be able to do, as data: it selects the cases of a suite."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

Case = TypeVar("Case", bound=Callable[..., Any])


def requires(capability: str) -> Callable[[Case], Case]:
    """Mark a case that only adapters with ``capability`` have to pass."""

    def mark(case: Case) -> Case:
        case.__dict__["required_capability"] = capability
        return case

    return mark


class CapabilityCases:
    """A suite whose class attributes named by ``requires`` select its cases.

    Where a subscriber sets such an attribute to False, the cases that require it are not collected.
    """

    excluded_cases: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cases = {name: getattr(cls, name) for name in dir(cls) if name.startswith("test_")}
        required = {name: getattr(case, "required_capability", "") for name, case in cases.items()}
        excluded = [name for name, need in required.items() if need and getattr(cls, need) is False]
        cls.excluded_cases += tuple(excluded)
        for name in excluded:
            setattr(cls, name, None)

"""What an adapter may or may not be able to do, as data: it selects the cases of a suite."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

Case = TypeVar("Case", bound=Callable[..., Any])


def requires(capability: str) -> Callable[[Case], Case]:
    """Mark a case that only adapters with ``capability`` have to pass."""
    return _mark(capability, is_wanted=True)


def requires_lack_of(capability: str) -> Callable[[Case], Case]:
    """Mark a case that only adapters without ``capability`` have to pass."""
    return _mark(capability, is_wanted=False)


def _mark(capability: str, *, is_wanted: bool) -> Callable[[Case], Case]:
    def mark(case: Case) -> Case:
        case.__dict__.setdefault("required_capabilities", {})[capability] = is_wanted
        return case

    return mark


class CapabilityCases:
    """A suite whose cases are selected when a subscriber's class is made; the others are not collected."""

    excluded_cases: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def has(cls, capability: str) -> bool:
        """Return False where the subscriber has set the class attribute of this name to False."""
        return getattr(cls, capability) is not False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if CapabilityCases in cls.__bases__:  # the suite itself has all cases
            return
        for name in [name for name in dir(cls) if name.startswith("test_")]:
            wanted = getattr(getattr(cls, name), "required_capabilities", {})
            if any(cls.has(capability) is not is_wanted for capability, is_wanted in wanted.items()):
                cls.excluded_cases += (name,)
                setattr(cls, name, None)

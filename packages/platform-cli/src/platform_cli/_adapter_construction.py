"""Making an adapter by its name, with errors that say whose they are."""

from typing import Any

from platform_cli import registry
from platform_cli._blame import Owner, attribute
from platform_cli.failures import describe
from platform_interfaces import ConfigurationError, PlatformError, SecretsInterface

# Every call of an adapter begins in it: an error whose last line is here is the adapter's, not the logger's.
_OWN_PACKAGE = __name__.partition(".")[0]


def construct(kind: str, name: str, secrets: SecretsInterface, owners: dict[str, Owner]) -> Any:
    """Return the adapter of a name, built from ``secrets``, and add its package to ``owners``.

    Raises:
        PlatformError: when the adapter raises one, or a ``ConfigurationError`` for any other error.
    """
    target = registry.reference(kind, name)
    label = label_adapter(kind, name)
    package = target.partition(":")[0].partition(".")[0]
    others = dict(owners)
    # A package may have several adapters; which of them a line belongs to is not known.
    known = owners.get(package)
    if package != _OWN_PACKAGE:
        owners[package] = Owner(f"{known.label} or {label}" if known else label)
    make = registry.load(kind, name)
    try:
        return make(secrets)
    except PlatformError:
        raise
    except (Exception, SystemExit) as error:
        failure = attribute(error, {**others, package: Owner(label)})
        message = f"{label} failed: {describe(error)}" if failure is error else str(failure)
        raise ConfigurationError(message) from error


def label_adapter(kind: str, name: str) -> str:
    """Return what messages call an adapter, with its class."""
    return f"{registry.LABELS[kind]} {name!r} ({registry.reference(kind, name)})"

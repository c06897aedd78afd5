"""A package that is to be written: what it is, what it is called, and where it goes."""

from dataclasses import dataclass

from platform_cli.scaffold.names import Name

MODULES = "modules"


@dataclass(frozen=True)
class NewPackage:
    """A module, or an adapter of an interface.

    Attributes:
        kind: that of the registry: an interface, or ``modules``.
        name: what the module or adapter is called on the command line.
        features: which regions and files of its template it has: interfaces, ``migrations``.
    """

    kind: str
    name: Name
    features: frozenset[str]

    @property
    def template(self) -> str:
        """Return the folder of its template."""
        return "module" if self.kind == MODULES else "adapter"

    @property
    def placeholder(self) -> Name:
        """Return the name that the template has."""
        return Name(f"new_{self.template}")

    @property
    def package(self) -> str:
        """Return its name in Python."""
        return self.name.snake if self.kind == MODULES else f"platform_{self.name.snake}"

    @property
    def distribution(self) -> str:
        """Return its name for installers."""
        return self.package.replace("_", "-")

    @property
    def folder(self) -> str:
        """Return the name of its folder: modules have that of their package, as ``batch_etl`` has."""
        return self.package if self.kind == MODULES else self.distribution

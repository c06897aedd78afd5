"""New packages, written from the templates in ``platform_cli/templates``, which are packages themselves."""

from platform_cli.scaffold.create import Created, create
from platform_cli.scaffold.names import Name, parse_name
from platform_cli.scaffold.new_package import MODULES, NewPackage

__all__ = ["MODULES", "Created", "Name", "NewPackage", "create", "parse_name"]

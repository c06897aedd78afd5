"""The option ``--json``, and JSON as commands print it: one object, with the version of its form."""

from collections.abc import Mapping
from typing import Any

import click

from platform_cli._masking import hide_in
from platform_cli.commands._base import say

VERSION = 1
"""It goes up when a field changes its meaning or goes away."""

json_option = click.option("--json", "is_json", is_flag=True, help="Print one JSON object.")


def print_json(content: Mapping[str, Any]) -> None:
    """Print one JSON object with its ``version``, without secrets; what JSON does not have is text."""
    import json

    say(json.dumps(hide_in({"version": VERSION, **content}), indent=2, default=str))

"""Executors that need nothing but Python."""

from platform_executors.inline import InlineExecutor
from platform_executors.processes import ProcessesExecutor

__all__ = ["InlineExecutor", "ProcessesExecutor"]

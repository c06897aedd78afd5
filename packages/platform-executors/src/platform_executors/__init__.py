"""Executors that need nothing but Python."""

from platform_executors.inline import InlineExecutor

__all__ = ["InlineExecutor"]

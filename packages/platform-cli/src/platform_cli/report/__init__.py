"""The report of runs: one page with charts, made from their history; needs the extra ``report``."""

from platform_cli.report.page import render_report

__all__ = ["render_report"]

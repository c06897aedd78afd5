"""The checks of the settings and of the adapters that they choose."""

import asyncio
import re
from functools import partial

from platform_cli.doctor.examination import Examination
from platform_cli.effective_settings import EffectiveSetting, read_effective
from platform_cli.installed import describe_adapter
from platform_cli.interfaces import INTERFACES, Interface
from platform_cli.secrets import OWN_PREFIXES
from platform_cli.settings import Settings
from platform_interfaces import CheckStatus, Finding

# The messages of a log have the command at their end.
_COMMAND = re.compile(r"(: run|; to move it:) (?P<command>.+)$")


async def check_settings(examination: Examination, settings: Settings) -> None:
    """Check the settings: unknown names, unclean values, env files that others can read."""
    await examination.check("settings", partial(asyncio.to_thread, _find_unknown, settings))
    for event, reason in settings.warnings:
        found = _COMMAND.search(reason)
        text = reason[: found.start()] if found else reason
        remedy = found["command"] if found else "remove what is around the values"
        examination.add("env files", Finding(CheckStatus.WARNING, f"{event}: {text}", remedy))


async def check_adapters(examination: Examination, settings: Settings, kinds: set[str]) -> set[str]:
    """Check that the chosen adapters of ``kinds`` can be used, and return the kinds of those that can."""
    return {
        each.kind
        for each in INTERFACES
        if each.kind in kinds
        and await examination.check(
            f"{each.label} adapter", partial(asyncio.to_thread, _check_adapter, each, settings), seconds=60
        )
    }


def _find_unknown(settings: Settings) -> Finding:
    origin = ", then ".join(each.name for each in settings.values.layers)
    text = f"env {settings.env.value!r}; looked for in {origin}"
    unknown = [each for each in read_effective(settings).settings if _is_ours(each)]
    if not unknown:
        return Finding(CheckStatus.OK, text.replace(f"{settings.project}/", ""))
    names = ", ".join(f"{each.name} in {each.origin}{each.hint}" for each in unknown)
    return Finding(CheckStatus.WARNING, f"nothing reads {names}", "rename or remove what is mistyped")


def _is_ours(setting: EffectiveSetting) -> bool:
    # Any other name may be one that a module reads.
    return not setting.is_known and bool(setting.hint or setting.name.startswith(OWN_PREFIXES))


def _check_adapter(interface: Interface, settings: Settings) -> Finding:
    chosen, flag = settings.implementations[interface.kind], interface.flag
    if not chosen.value:
        remedy = f"set PLATFORM_{flag.upper()}, or give --{flag}"
        return Finding(CheckStatus.FAILED, settings.explain_unchosen(interface.kind), remedy)
    adapter = describe_adapter(interface, chosen.value, chosen.origin)
    if adapter.problem:
        remedy = adapter.install or "choose another ('platform adapters' lists them), or install it again"
        return Finding(CheckStatus.FAILED, f"{chosen.value!r}: {adapter.problem}", remedy)
    package = f"{adapter.package} {adapter.package_version}".strip()
    origin = "" if chosen.origin == "default" else f", chosen by {chosen.origin}"
    text = f"{chosen.value!r} of {package}{origin}"
    return Finding(CheckStatus.OK, text.replace(f"{settings.project}/", ""))

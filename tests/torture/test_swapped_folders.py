"""A folder that is exchanged for a link while it is used leads no call out of the root (field report F12)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.swapping import CAN_SWAP, count_escapes

ROUNDS = int(os.environ.get("SWAP_ROUNDS", "150"))  # SWAP_ROUNDS=5000 takes a minute or two


@pytest.mark.skipif(not CAN_SWAP, reason="the system has no renameat2, which exchanges two names")
async def test_f12_no_call_reaches_what_is_outside_while_a_folder_is_swapped_for_a_link(
    tmp_path: Path,
) -> None:
    escapes, done = await count_escapes(tmp_path, ROUNDS)
    assert escapes == {}
    assert {"read", "stream", "list", "write", "write_stream"} <= set(done)

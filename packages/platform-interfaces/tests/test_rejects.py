import pytest

from platform_interfaces import Reason, Reject, rejects_path


@pytest.mark.parametrize("raw", [b'text \xc3\xa9 "quoted"\r', b"\xff\x00", b"", None])
def test_a_reject_comes_back_from_its_json(raw: bytes | None) -> None:
    reject = Reject("a/b.jsonl", 3, 17, raw, (Reason("not_utf8", "it is not UTF-8"), Reason("b", "")))
    assert Reject.from_json(reject.to_json("run")) == reject


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"1", b'{"file": "a"}', b'{"raw_base64": "%"}'])
def test_what_is_not_a_reject_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"reject|line|char|Expecting|base64"):
        Reject.from_json(text)


@pytest.mark.parametrize(
    ("folder", "path"),
    [("raw/2026-01-15", "rejected/raw/2026-01-15/rejects.jsonl"), ("", "rejected/rejects.jsonl")],
)
def test_the_rejects_of_a_folder_have_a_fixed_path(folder: str, path: str) -> None:
    assert rejects_path(folder) == path

"""What the client raises, as errors of the platform: what was asked, what was found, what to do."""

import re
from typing import NamedTuple

from obstore.exceptions import InvalidPathError as InvalidKeyError

from platform_interfaces import FileMissingError, FileSystemError, StorageUnreachableError
from platform_objectstore._bucket import Bucket

# The client has one class for almost all failures; only their text distinguishes them.
_ANSWER = re.compile(r"non-2xx status code: (?P<status>\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,80})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_UNREACHABLE = re.compile(r"error sending request|kind: (?:Connect|Timeout)\b")
_BROKEN_OFF = re.compile(r"request or response body error|Content-Range header|error decoding response body")
_CAUSE = re.compile(r'(?:message|error): "([^"]{1,200})"')
_TLS = re.compile(r"InvalidCertificate\(\s*(\w+)|InvalidContentType")
_LENGTH = 300

_EXPIRED = "the credentials have expired: renew them and run again"
_REFUSED = "the credentials ({credentials}) are refused: correct them"
_OTHER_REGION = "the bucket is in another region: set {setting}_REGION to it"
_ADVICE = {
    "NoSuchBucket": "there is no bucket {name!r} at {endpoint!r}: create it, or correct {setting}_…",
    "InvalidBucketName": "{name!r} cannot be a bucket: correct {setting}_…",
    "AccessDenied": "permission denied: let the credentials ({credentials}) do it, or use others",
    "AllAccessDisabled": "permission denied: the bucket is closed to everybody",
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidAccessKeyId": _REFUSED,
    "SignatureDoesNotMatch": _REFUSED,
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "PermanentRedirect": _OTHER_REGION,
    "EntityTooLarge": "the file is too large for the storage",
    "QuotaExceeded": "the bucket is full: make room in it",
}
_BY_STATUS = {"301": "PermanentRedirect", "401": "InvalidAccessKeyId", "403": "AccessDenied"}
_OVERLOADED = {"429", "500", "502", "503", "504"}


class UnreadableKeyError(FileSystemError):
    """A key has an empty part, such as ``a//b``, or one that the client cannot read either.

    Attributes:
        reason: what is wrong, without what was asked.
    """

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(f"{asked}: {reason}")
        self.reason = reason


class OffsetError(FileSystemError):
    """There is nothing to read at the offset, or behind it."""


class Answer(NamedTuple):
    """What a server has said: its status, and the code and sentence in its answer, where it has them."""

    status: str
    code: str
    message: str

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.code or 'HTTP'} {self.status}" + (f", {self.message}" if self.message else "")


def translate(error: BaseException, action: str, path: str, bucket: Bucket) -> FileSystemError:
    """Return the platform's error for what the client or the clock has raised."""
    text = str(error)
    asked = f"cannot {action} {bucket.locate(path)!r}"
    if isinstance(error, InvalidKeyError):
        reason = summarize(error).rpartition("invalid path: ")[2]
        return UnreadableKeyError(asked, f"a key cannot be a path: {reason}: rename or delete the object")
    if answer := _read_answer(text):
        if isinstance(error, FileNotFoundError) and answer.code in ("NoSuchKey", ""):
            return FileMissingError(f"there is no file {path!r} in {bucket.locate()!r}")
        return _from_answer(answer, asked, bucket)
    if isinstance(error, FileNotFoundError):
        return FileMissingError(f"there is no file {path!r} in {bucket.locate()!r}")
    if isinstance(error, TimeoutError):
        limit = f"{bucket.endpoint!r} took longer than {bucket.timeout_seconds} s"
        return StorageUnreachableError(f"{asked}: {limit} ({bucket.setting}_TIMEOUT): run again later")
    if _BROKEN_OFF.search(text):
        return FileSystemError(
            f"{asked}: the answer of {bucket.endpoint!r} broke off, each time it was asked: run again later"
        )
    if _UNREACHABLE.search(text):
        return StorageUnreachableError(
            f"{asked}: no answer from {bucket.endpoint!r}: {_find_cause(text)}: "
            f"is it running, and are the settings {bucket.setting}_… right?"
        )
    return FileSystemError(f"{asked}: {summarize(error)}")


def summarize(error: BaseException) -> str:
    """Return the first line of what the client says, without the answer of the server.

    An answer about a wrong signature has all that was signed in it, the session token included.
    """
    text = str(error).partition("\n\nDebug source")[0].partition("<")[0]
    return " ".join(text.split()).rstrip(": ")[:_LENGTH] or type(error).__name__


def _read_answer(text: str) -> Answer | None:
    if not (status := _ANSWER.search(text)):
        return None
    code, message = (_first(pattern, text) for pattern in (_CODE, _MESSAGE))
    return Answer(status["status"], code, "" if code == "SignatureDoesNotMatch" else message)


def _from_answer(answer: Answer, asked: str, bucket: Bucket) -> FileSystemError:
    if answer.status in _OVERLOADED:
        return StorageUnreachableError(
            f"{asked}: {bucket.endpoint!r} is overloaded or failing, also after several attempts "
            f"({answer}): run again later"
        )
    if answer.status == "416":
        return OffsetError(f"{asked}: {answer}")
    code = answer.code if answer.code in _ADVICE else _BY_STATUS.get(answer.status, "")
    advice = _ADVICE.get(code, "").format(
        name=bucket.name,
        endpoint=bucket.endpoint,
        setting=bucket.setting,
        credentials=f"from {bucket.credentials}",
    )
    kind = FileMissingError if code == "NoSuchBucket" else FileSystemError
    return kind(f"{asked}: {advice} ({answer})" if advice else f"{asked}: the server says {answer}")


def _find_cause(text: str) -> str:
    if re.search(r"kind: Timeout|TimedOut", text):
        return "it took too long"
    if tls := _TLS.search(text):
        return f"its certificate is refused ({tls[1]})" if tls[1] else "it does not speak https: use http://"
    return _first(_CAUSE, text) or "the connection was lost"


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return " ".join(found[1].split()) if found else ""

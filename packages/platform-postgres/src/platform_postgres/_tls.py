"""TLS as libpq's parameters ask for it; files are checked before a connection is opened.

https://www.postgresql.org/docs/current/libpq-ssl.html
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from platform_interfaces import ConfigurationError
from platform_postgres._libpq import Parameter, Parameters, find_home

MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("TLSv1", "TLSv1.1")  # too weak for Python; as a minimum, the next one satisfies them


@dataclass(frozen=True)
class Tls:
    """The encryption of connections over TCP."""

    mode: str
    context: ssl.SSLContext | None
    is_direct: bool

    @property
    def attempts(self) -> tuple[ssl.SSLContext | None, ...]:
        """Return the contexts to try in turn; None stands for a connection without TLS."""
        if self.mode == "prefer":
            return (self.context, None)
        if self.mode == "allow":
            return (None, self.context)
        return (self.context,)


def read_tls(parameters: Parameters) -> Tls:
    """Return how to encrypt, with all files read.

    Raises:
        ConfigurationError: when a value is unknown or a file cannot be used; names the file and the reason.
    """
    mode = _read_mode(parameters)
    is_direct = "sslnegotiation" in parameters and parameters["sslnegotiation"].value == "direct"
    if is_direct and MODES.index(mode) < MODES.index("require"):
        raise parameters["sslnegotiation"].refuse(
            f"cannot be 'direct' with sslmode {mode!r}: use sslmode=require, verify-ca or verify-full"
        )
    return Tls(mode, None if mode == "disable" else _make_context(mode, parameters), is_direct)


def _read_mode(parameters: Parameters) -> str:
    root = parameters.get("sslrootcert")
    asks_system = root is not None and root.value == "system"
    sslmode = parameters.get("sslmode")
    if sslmode is None:
        return "verify-full" if asks_system else "prefer"
    if sslmode.value not in MODES:
        raise sslmode.refuse(f"cannot be {sslmode.value!r}: use one of {', '.join(MODES)}")
    if asks_system and sslmode.value != "verify-full":
        raise sslmode.refuse(
            f"cannot be {sslmode.value!r} with sslrootcert=system, which asks for 'verify-full'"
        )
    return sslmode.value


def _make_context(mode: str, parameters: Parameters) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # first, or else the next line is refused
    context.verify_mode = ssl.CERT_NONE
    if MODES.index(mode) >= MODES.index("require"):
        _load_roots(context, mode, parameters)
        _load_revoked(context, parameters)
    context.check_hostname = mode == "verify-full"
    _load_own_certificate(context, parameters)
    context.minimum_version = _read_version(parameters, "ssl_min_protocol_version", ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _read_version(
        parameters, "ssl_max_protocol_version", ssl.TLSVersion.MAXIMUM_SUPPORTED
    )
    if ssl.HAS_ALPN:
        context.set_alpn_protocols(["postgresql"])
    return context


def _load_roots(context: ssl.SSLContext, mode: str, parameters: Parameters) -> None:
    """Trust the certificates of ``sslrootcert``; without it, those of the file in the home folder."""
    root = parameters.get("sslrootcert")
    if root is not None and root.value == "system":
        context.load_default_certs()
    elif root is not None:
        _load(root, Path(root.value), lambda: context.load_verify_locations(cafile=root.value))
    else:
        file = _find_default("root.crt")
        if file is None or not _is_there(file):
            if mode == "require":
                return
            raise ConfigurationError(
                f"sslmode {mode!r} needs the certificate of the server's CA, and the root certificate file "
                f"{str(file or '~/.postgresql/root.crt')!r} does not exist or cannot be read: "
                "name it in sslrootcert, or use sslrootcert=system for a public CA"
            )
        origin = Parameter(str(file), "the root certificate")
        _load(origin, file, lambda: context.load_verify_locations(cafile=file))
    context.verify_mode = ssl.CERT_REQUIRED


def _load_revoked(context: ssl.SSLContext, parameters: Parameters) -> None:
    if revoked := parameters.get("sslcrl"):
        _load(revoked, Path(revoked.value), lambda: context.load_verify_locations(cafile=revoked.value))
    elif folder := parameters.get("sslcrldir"):
        if not Path(folder.value).is_dir():
            raise folder.refuse(f"names {folder.value!r}, which is not a directory")
        context.load_verify_locations(capath=folder.value)
    elif (file := _find_default("root.crl")) and _is_there(file):
        _load(Parameter(str(file), "the revocation list"), file, lambda: context.load_verify_locations(file))
    else:
        return
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load_own_certificate(context: ssl.SSLContext, parameters: Parameters) -> None:
    if "sslcertmode" in parameters and parameters["sslcertmode"].value == "disable":
        return
    certificate = parameters.get("sslcert")
    if certificate is None:
        file = _find_default("postgresql.crt")
        if file is None or not _is_there(file):
            return
        certificate = Parameter(str(file), "the client certificate")
    key = parameters.get("sslkey")
    if key is None and (file := _find_default("postgresql.key")) and _is_there(file):
        key = Parameter(str(file), "the client key")
    password = parameters["sslpassword"].value if "sslpassword" in parameters else ""
    for parameter in filter(None, (certificate, key)):
        _check_file(parameter, Path(parameter.value))
    try:
        context.load_cert_chain(certificate.value, key.value if key else None, password=lambda: password)
    except (ssl.SSLError, ValueError) as error:
        raise _explain_chain(certificate, key, error) from None


def _explain_chain(certificate: Parameter, key: Parameter | None, error: Exception) -> ConfigurationError:
    reason = getattr(error, "reason", None) or ""
    if "MISMATCH" in reason:
        return (key or certificate).refuse(
            f"names {(key or certificate).value!r}, which is not the key of {certificate.value!r}"
        )
    if "NO_START_LINE" in reason or "PEM" in reason:
        files = f"{certificate.value!r}" + (f" and the key {key.value!r}" if key else "")
        return certificate.refuse(
            f"cannot be used: {files} must be PEM files, the second with the key (sslkey)"
        )
    return (key or certificate).refuse(
        f"names {(key or certificate).value!r}, which cannot be read: is it encrypted? (sslpassword)"
    )


def _load(parameter: Parameter, file: Path, load: object) -> None:
    _check_file(parameter, file)
    try:
        load()  # type: ignore[operator]
    except ssl.SSLError:
        raise parameter.refuse(f"names {str(file)!r}, which has no PEM certificate") from None


def _check_file(parameter: Parameter, file: Path) -> None:
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        reason = (
            "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        )
        raise parameter.refuse(f"names the file {str(file)!r}, which {reason}") from None


def _find_default(name: str) -> Path | None:
    """Return the path of a file that is used when it is there; None for an account without a home folder."""
    home = find_home()
    return home and home / ".postgresql" / name


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except OSError:  # a home folder that is closed to us, before Python 3.14
        return False


def _read_version(parameters: Parameters, name: str, default: ssl.TLSVersion) -> ssl.TLSVersion:
    parameter = parameters.get(name)
    if parameter is None or (name == "ssl_min_protocol_version" and parameter.value in _OLD_VERSIONS):
        return default
    if parameter.value not in _VERSIONS:
        raise parameter.refuse(f"cannot be {parameter.value!r}: use one of {', '.join(_VERSIONS)}")
    return _VERSIONS[parameter.value]

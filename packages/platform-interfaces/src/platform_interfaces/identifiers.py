"""Names of tables and columns, made safe to stand in a statement."""

import re

# PostgreSQL truncates a longer name in silence (NAMEDATALEN), and the rest may name another table.
MAX_BYTES = 63
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")


def quote_identifier(name: str) -> str:
    """Return ``name`` in double quotes, exactly as written (``Events`` and ``events`` are two names).

    Raises:
        ValueError: unless it is made of ASCII letters, digits, ``_`` and ``$``, starts with a letter or
            ``_``, and has at most 63 characters.
    """
    if not _NAME.fullmatch(name) or len(name) > MAX_BYTES:
        raise ValueError(
            f"{name!r} is not an identifier: letters, digits, '_' and '$' only, not a digit first, "
            f"at most {MAX_BYTES} characters"
        )
    return f'"{name}"'


def split_table(name: str) -> tuple[str | None, str]:
    """Return the schema (None where none is given) and the table of ``table`` or ``schema.table``, unquoted.

    Raises:
        ValueError: unless each part is an identifier.
    """
    *schema, table = name.split(".", 1)
    for part in (*schema, table):
        quote_identifier(part)
    return (schema[0] if schema else None), table


def quote_table(name: str) -> str:
    """Return ``table`` or ``schema.table`` with each part quoted.

    Raises:
        ValueError: unless each part is an identifier.
    """
    return ".".join(quote_identifier(part) for part in split_table(name) if part is not None)

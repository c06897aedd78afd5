"""Files in the folder of a date that are never data: the one list of their names."""

import re

# For each part of a path below the folder of the date, in upper or lower case.
_NEVER_DATA = re.compile(
    r"""
    [._].*                     # hidden files and folders, _SUCCESS and the like, rsync's .a.jsonl.Xy12Zk
    | .*~ | ~\$.* | \#.*\#     # what editors leave: a.jsonl~, ~$a.jsonl, #a.jsonl#
    | .*\.(?:
        crc                    # Hadoop's checksums
        | bak | orig | swp | swo
        | lock | lck | pid
        | tmp | temp | part | partial | filepart | crdownload | download | opdownload
        | inprogress | incomplete | uploading | aria2 | copying
      )
    | thumbs\.db | ehthumbs\.db | desktop\.ini | icon(?:\r|\\r)
    | @eadir | @tmp | \#recycle | \#snapshot | \$recycle\.bin | system\ volume\ information
    | lost\+found | __macosx
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def is_never_data(path: str) -> bool:
    """Return whether ``path``, relative to the folder of the date, or a folder above it is never data."""
    return any(_NEVER_DATA.fullmatch(part) for part in path.split("/") if part)

"""The tree of the files and, where its root is set, the tree of the rejects."""

import errno

from platform_interfaces import REJECTS_FOLDER, SecretsInterface, Survey
from platform_localfs._root import Root
from platform_localfs._settings import REJECTS_SETTING, read_rejects_root, read_root
from platform_localfs._tree import Tree

_FULL = {errno.ENOSPC, errno.EDQUOT}
_NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM, *_FULL}


class Mounts:
    """Two trees that callers see as one: ``rejected/`` may be another directory than the root's."""

    def __init__(self, secrets: SecretsInterface) -> None:
        """Read the settings; open nothing.

        Raises:
            ConfigurationError: when one of them is not a valid directory.
        """
        root = read_root(secrets)
        rejects = read_rejects_root(secrets, root)
        self._main = Tree(Root(root, "FS_LOCAL_ROOT"), REJECTS_FOLDER if rejects else None)
        self._rejects = Tree(Root(rejects, REJECTS_SETTING)) if rejects else None

    @property
    def trees(self) -> list[Tree]:
        """Return the trees, that of the root first."""
        return [self._main, self._rejects] if self._rejects else [self._main]

    def find(self, path: str) -> tuple[Tree, str]:
        """Return the tree that ``path`` is in, and the path below its root."""
        first, _, below = path.partition("/")
        if self._rejects and first == REJECTS_FOLDER:
            return self._rejects, below
        return self._main, path

    def list_files(self, prefix: str) -> list[str]:
        """Return the paths of all files in the directory ``prefix``, sorted."""
        tree, below = self.find(prefix)
        files = [_full_path(self._is_rejects(tree), path) for path in tree.list_files(below)]
        return files if prefix or not self._rejects else sorted(files + self.list_files(REJECTS_FOLDER))

    def survey(self, prefix: str) -> Survey:
        """Return the files in the directory ``prefix`` and below, and the entries that cannot be read."""
        tree, below = self.find(prefix)
        found, moved = tree.survey(below), self._is_rejects(tree)
        files = [_full_path(moved, path) for path in found.files]
        aliases = {_full_path(moved, path): _full_path(moved, first) for path, first in found.aliases.items()}
        unusable = {_full_path(moved, path): reason for path, reason in found.unusable.items()}
        dangling = [_full_path(moved, path) for path in found.dangling]
        sizes = {_full_path(moved, path): size for path, size in found.sizes.items()}
        versions = {_full_path(moved, path): version for path, version in found.versions.items()}
        if self._rejects and not prefix:
            other = self.survey(REJECTS_FOLDER)
            files = sorted([*files, *other.files])
            aliases, unusable = {**aliases, **other.aliases}, {**unusable, **other.unusable}
            dangling, sizes = sorted([*dangling, *other.dangling]), {**sizes, **other.sizes}
            versions |= other.versions
        return Survey(tuple(files), aliases, unusable, tuple(dangling), sizes, versions)

    def list_names(self, prefix: str) -> tuple[str, ...]:
        """Return the names in the directory ``prefix``, sorted; those of directories end in ``/``."""
        tree, below = self.find(prefix)
        names = tree.list_names(below)
        if self._rejects and not prefix and self._rejects.list_files(""):
            names = tuple(sorted((*names, f"{REJECTS_FOLDER}/")))
        return names

    def is_file(self, path: str) -> bool:
        """Return whether ``path`` is a file."""
        tree, below = self.find(path)
        return tree.exists(below)

    def advise(self, action: str, path: str, error: OSError) -> str:
        """Return what to do when rejects cannot be written beside the files."""
        is_reject = path.partition("/")[0] == REJECTS_FOLDER
        if action in ("write", "delete") and is_reject and error.errno in _NOT_WRITABLE:
            if error.errno in _FULL:
                return f": make room there, or let {REJECTS_SETTING} name a directory on another disk"
            if self._rejects:
                return f": {REJECTS_SETTING} must be a directory that can be written to"
            return f": set {REJECTS_SETTING} to a directory that can be written to"
        return ""

    def _is_rejects(self, tree: Tree) -> bool:
        return tree is self._rejects


def _full_path(is_moved: bool, path: str) -> str:
    return f"{REJECTS_FOLDER}/{path}" if is_moved else path

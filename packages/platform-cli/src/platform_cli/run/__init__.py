"""One run of a module: its checks, its module, its result."""

"""Every interface in memory: no server, no file, no thread, no port."""

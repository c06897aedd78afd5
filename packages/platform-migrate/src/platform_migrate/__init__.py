"""Schema migrations on DatabaseInterface: planned, locked, one transaction each."""

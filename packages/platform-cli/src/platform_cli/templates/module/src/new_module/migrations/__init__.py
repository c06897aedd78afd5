"""Schema migrations of this module."""

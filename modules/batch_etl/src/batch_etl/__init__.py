"""Loads a day of raw events: validated, normalised, deduplicated, written once."""

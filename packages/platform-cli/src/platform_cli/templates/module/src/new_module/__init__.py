"""Processes one date."""

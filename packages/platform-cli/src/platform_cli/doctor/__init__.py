"""What would keep a run from its work: everything that the settings choose is tried, and nothing changed."""

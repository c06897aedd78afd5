"""A load in shards: attempts on workers, and one account of what they report."""

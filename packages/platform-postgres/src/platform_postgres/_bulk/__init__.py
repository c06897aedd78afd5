"""``bulk_insert``: decide how the rows go in (``plan``), encode them (``encode``), send them (``insert``)."""

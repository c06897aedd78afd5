"""Files on local disk: atomic, durable, confined to one root directory."""

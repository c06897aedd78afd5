"""The platform's own tables, one file a migration."""

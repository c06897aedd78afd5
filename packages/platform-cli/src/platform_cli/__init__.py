"""The platform command: settings, registry, container, run and migrate."""

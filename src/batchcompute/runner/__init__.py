"""The code that runs beside a command, on the same machine: staging, packages, sandboxes and processes."""

__all__: list[str] = []

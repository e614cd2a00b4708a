"""What happens beside the command, on the machine that it runs on: staging, packages, sandboxes, processes."""

__all__: list[str] = []

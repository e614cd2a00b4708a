"""The parts of the simulated engine: scripts, and nodes with slots."""

__all__: list[str] = []

"""How models work: their fields, constraints and checks, and the base classes of all descriptions and statuses."""

__all__: list[str] = []

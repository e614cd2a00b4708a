"""How a model works: fields, containers, constraints, and the base class of every description and status."""

__all__: list[str] = []

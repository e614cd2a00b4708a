"""Fields, constraints and checks of models, and the base classes of all descriptions and statuses."""

__all__: list[str] = []

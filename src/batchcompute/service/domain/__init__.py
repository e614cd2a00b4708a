"""Rules of the service without input and output: states, selection, defaults, App jobs, capacity."""

__all__: list[str] = []

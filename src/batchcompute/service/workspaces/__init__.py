"""Where the files of an attempt are."""

__all__: list[str] = []

"""Workspaces: the plans of attempts, and their files."""

__all__: list[str] = []

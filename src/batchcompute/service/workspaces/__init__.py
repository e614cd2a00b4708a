"""Workspaces: the planning of attempts, and their files on this machine."""

__all__: list[str] = []

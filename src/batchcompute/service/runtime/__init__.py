"""What one instance needs: environment, package, command and result."""

__all__: list[str] = []

"""What one instance needs: environment, package, command and result."""

"""Hostile HTTP requests for a server of the service, and what judges its responses."""

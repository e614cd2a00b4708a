"""Engines: what instances run on."""

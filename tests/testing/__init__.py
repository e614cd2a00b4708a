"""Tests of the pytest plugin and its helpers."""

"""Files that describe jobs: JSON, YAML, and the ``job.cfg`` files of the vendor's command line."""

from __future__ import annotations

__all__: list[str] = []

"""An engine for Slurm clusters."""

from batchcompute.service.engines.slurm.engine import SlurmEngine, create
from batchcompute.service.engines.slurm.settings import SiteOptions, SlurmSettings

__all__ = ["SiteOptions", "SlurmEngine", "SlurmSettings", "create"]

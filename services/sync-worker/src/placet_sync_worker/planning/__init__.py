"""Planning: both sides are read, compared, and made into the changes of a plan."""

from .plan import SALT_SIZE, Batch, arrange, batch_digest, canonical, change_hash, plan_digest
from .planner import Options, PlannedRun, plan_run

__all__ = [
    "SALT_SIZE",
    "Batch",
    "Options",
    "PlannedRun",
    "arrange",
    "batch_digest",
    "canonical",
    "change_hash",
    "plan_digest",
    "plan_run",
]

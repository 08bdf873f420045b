"""What the destination hides from its account: it would seem to be absent, and be planned again by every run."""

from collections.abc import Iterator

from ..errors import UnusableJobError
from ..ports import Destination
from .design import Design


def hidden(design: Design, destination: Destination, entry: str | None) -> Iterator[UnusableJobError]:
    """One problem for each attribute. `entry` is the name of one that the job's query finds; None: it finds none, and
    no other place tells what rights there are to those that will come."""
    if entry is None or destination.naming is None:
        return
    account, fields = destination.identity().bind_dn, {target.name for target in design.targets} - design.key_names
    for name in destination.hidden(design.read_back, entry):
        instead = ", or leave the field out" if name in fields else ""
        yield UnusableJobError(
            f"{name} cannot be read back by {account}, so no write could be proven; let the account read it{instead}"
        )

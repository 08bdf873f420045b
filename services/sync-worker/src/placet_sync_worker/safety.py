"""How safely what a job writes can be written to its destination."""

from contextlib import suppress

from placet_shared.objects import Job

from .errors import UnknownAttributeError
from .ports import Destination, Safety


def safety_of(destination: Destination, job: Job) -> Safety:
    """That of the store, unless it compares old values and an attribute of the job has none that could be compared: the
    server knows no equality of photos, so that these are read, and replaced a moment later."""
    safety = destination.safety()
    if safety != "value":
        return safety
    for one in job.fields_:
        with suppress(UnknownAttributeError):  # an attribute that is gone since the plan fails its changes by name
            if not one.only_on_create and not destination.attribute(one.to).has_equality:
                return "read_back"
    return safety

"""Why a search failed, as one sentence with its remedy: the same whichever driver asked. Pure."""

from .connecting import Target
from .errors import (
    DirectoryBusyError,
    DirectoryError,
    LimitReachedError,
    NoSuchEntryError,
    SearchRefusedError,
)
from .wire import Ending
from .words import BUSY_CODES, words_of_code

LIMITS = {3: "time limit", 4: "size limit", 11: "administrative limit"}


def search_failure(target: Target, ending: Ending, base: str, count: int) -> DirectoryError:
    """`count` entries had come before."""
    url, said = target.url, words_of_code(ending.code, ending.diagnostic)
    if limit := LIMITS.get(ending.code):
        return LimitReachedError(
            f"{url} gave {count} entries below {base} and no more, since its {limit} for {target.bind_dn} is"
            f" reached ({said}); raise that limit for this account, or narrow the query"
        )
    if ending.code == 32:
        return NoSuchEntryError(f"{url} has no entry {base}; check base_dn and container, or create it")
    if ending.code == 10:
        where = ", ".join(ending.referrals) or "another server"
        return SearchRefusedError(f"{url} says that {base} is kept at {where}; set the provider's url to it")
    if ending.code in BUSY_CODES:
        return DirectoryBusyError(f"{url} cannot search {base} just now: {said}")
    return SearchRefusedError(
        f"{url} refused the search below {base}: {said}; check the query and the account's rights"
    )


def kept_elsewhere(target: Target, base: str) -> SearchRefusedError:
    return SearchRefusedError(
        f"a part of {base} is kept by another server than {target.url}; give a base_dn or container without it"
    )

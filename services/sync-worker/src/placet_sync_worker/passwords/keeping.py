"""Gives steps the passwords that they set: made and sealed in the transaction that notes the steps' intents, so that
whatever may have been sent is known, and a step that is tried again sends the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from placet_shared.objects import Job
from placet_shared.work import Database, Work

from ..store import passwords
from ..tasks import Task
from ..unaltered import AlteredError
from .keys import PasswordKeys, PasswordPlace
from .making import make_password


@dataclass(frozen=True)
class PasswordKeeper:
    """Knows the key."""

    keys: PasswordKeys

    async def given(self, work: Work, job: Job, tasks: Sequence[Task]) -> Sequence[Task]:
        """The tasks with their passwords. Raises PasswordKeyError, and AlteredError where one is gone that may have
        been sent, or is another's."""
        wanting = [task for task in tasks if task.sets_password]
        if not wanting:
            return tasks
        kept = await passwords.kept(work, wanting[0].run_id, [task.number for task in wanting])
        found: dict[int, str] = {}
        new: list[passwords.NewPassword] = []
        for task in wanting:
            if sealed := kept.get(task.number):
                found[task.number] = self.keys.open(sealed, place_of(task))
            elif task.maybe_sent or task.number in kept or job.password is None:
                raise AlteredError("a password that may have been sent is gone; run the job again")
            else:
                found[task.number] = make_password(job.password, _names(task))
                sealed = self.keys.seal(found[task.number], place_of(task))
                new.append(passwords.NewPassword(task.number, task.position, sealed))
        if new and job.password is not None:
            await passwords.keep(work, wanting[0].run_id, new, work.now + job.password.expires_after)
        return [replace(task, password=found[task.number]) if task.sets_password else task for task in tasks]


async def forget_expired(database: Database) -> None:
    """Erases what nobody took in time."""
    async with database.transaction() as work:
        await passwords.erase_expired(work)


def place_of(task: Task) -> PasswordPlace:
    """Where a task's password belongs."""
    (attribute,) = (a.name for a in task.change.attributes if a.password)
    return PasswordPlace(task.run_id, task.number, attribute)


def _names(task: Task) -> list[str]:
    return [value for a in task.change.attributes for value in a.after]

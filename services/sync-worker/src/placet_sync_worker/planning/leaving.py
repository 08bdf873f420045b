"""What the renames and removals of a plan mean for those who refer to these entries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ..changes import Change, Rejected
from ..ports import Destination, Naming
from .carrying import Carrying
from .comparing import lenient
from .deciding import Decider
from .decisions import Decisions
from .design import Options
from .naming import target_of
from .referrers import Following, Going, Referrer
from .referring import carried, last_values, referrers_of
from .resolving import Resolution

LEAVING = frozenset({"move", "delete"})
NO_RECORD = -1
REFERRING = b'"references":'
"""Stands in the document of each change that refers to another entry; seldom in another one."""
GOES = "{0}: {1} is deleted by this run; let the record refer to another"


@dataclass
class Leaving:
    """`resolution` is None where the job resolves nothing."""

    decider: Decider
    options: Options
    resolution: Resolution | None
    following: Following | None = None
    """None where nothing is renamed or deleted."""
    referrers: dict[str, Referrer] = field(default_factory=dict)
    """The entries that name what is, by their ids."""
    unfollowed: Sequence[str] = ()
    """Those whose values stay: who gets another name by a rename above it, and is changed besides."""
    _going: dict[int, Going] = field(default_factory=dict)
    _deleted: set[str] = field(default_factory=set)

    def note(self, position: int, change: Change) -> None:
        """Whether the change renames or deletes its entry."""
        if change.op in LEAVING:
            self._going[position] = Going(str(change.id), change.dn, target_of(change), change.steps[0].phase)
        if change.op == "delete":
            self._deleted.add(str(change.id))

    def settle(self, decisions: Decisions, destination: Destination) -> None:
        """Refuses what is to refer to entries that go, or to records that get none, as well as the removal of who is
        needed; finds those who refer to the others."""
        if self.resolution is not None:
            self._refuse_referrers_of_deleted(decisions)
            self._refuse_referrers_of_lost(decisions, self.resolution)
        if self.decider.naming is not None and (goes := self._left(decisions)):
            self._follow(goes, self.decider.naming, decisions, destination)

    def _follow(self, goes: Collection[Going], naming: Naming, decisions: Decisions, destination: Destination) -> None:
        """Finds who names what goes, and what goes along with it."""
        kept = self.options.kept
        holding = [one for one in goes if one.then] if self.decider.design.object_type.holds and not kept else []
        carrying = Carrying(holding, naming)
        following = Following(goes, lenient(naming.key), self.decider.attribute, kept)
        referrers = {} if kept else referrers_of(destination, following, carrying, self._referring())
        self._refuse_needed(decisions, dict(last_values(destination, following, referrers.values())))
        along = list(self._along(carrying, referrers.values(), decisions, destination)) if holding else []
        self.following = replace(following, going=[*along, *self._left(decisions)])
        self.referrers = self.following.those_of(referrers.values())
        besides = {one.id for one in along} & self.referrers.keys()
        besides &= {draft.change().id for _, _, draft in decisions.read()} if besides else set()
        self.unfollowed = sorted(self.referrers.pop(id_).dn for id_ in besides)

    def _along(
        self, carrying: Carrying, referrers: Collection[Referrer], decisions: Decisions, destination: Destination
    ) -> Iterator[Going]:
        """What is carried along, and names others or is named: in the directory, or by what the plan writes."""
        yield from (one for r in referrers if (one := carrying.carried(r.id, r.dn)))
        planned = (a for _, _, draft in decisions.read() for a in draft.change().attributes)
        written = (a.after for a in planned if self.decider.attribute(a.name).refers)
        there = (values for one in referrers for values in one.values.values())
        yield from carried(destination, carrying, chain.from_iterable(chain(written, there)))

    def count(self, decisions: Decisions) -> Collection[str]:
        """Referrers are updates too, or parts of what the run does to them anyway. The ids of those that are changed
        for nothing else."""
        alone = dict(self.referrers)
        if self.following is None or not alone:
            return ()
        for _, _, draft in decisions.read():
            change = draft.change()
            if (referrer := alone.pop(change.id or "", None)) is not None:
                decisions.count(change, -1)
                decisions.count(self.following.change(change, referrer), 1)
        for referrer in alone.values():
            decisions.count(self.following.own_change(referrer), 1)
        return alone.keys()

    def _left(self, decisions: Decisions) -> list[Going]:
        return [one for position, one in self._going.items() if position not in decisions.refused]

    def _referring(self) -> Sequence[str]:
        """The attributes that may name entries: those of the provider, and what the job resolves."""
        resolved = [self.decider.design.targets[n].name for n in self.decider.design.references]
        return list(dict.fromkeys([*self.options.referring, *resolved]))

    def _refuse_referrers_of_deleted(self, decisions: Decisions) -> None:
        for position, record, draft in decisions.read() if self._deleted else ():
            if REFERRING in draft.document:
                change = draft.change()
                refers = (
                    (a.name, one.dn) for a in change.attributes for one in a.references if one.id in self._deleted
                )
                if (first := next(refers, None)) is not None:
                    decisions.refuse(position, change, Rejected(record, change.key, first[0], GOES.format(*first)))

    def _refuse_referrers_of_lost(self, decisions: Decisions, resolution: Resolution) -> None:
        """What is to refer to records that get no entry, and so on."""
        lost = {*decisions.lost, *(decisions.numbers[position] for position in decisions.refused)} - {NO_RECORD}
        rejected = dict(resolution.lose(lost)) if lost else {}
        for position, _, draft in decisions.read() if rejected else ():
            if decisions.numbers[position] in rejected:
                decisions.refuse(position, draft.change(), rejected[decisions.numbers[position]])

    def _refuse_needed(self, decisions: Decisions, needed: Mapping[str, str]) -> None:
        """Who is needed by another is not deleted: nobody would know whom to put there. `needed`: reasons by ids."""
        for position, record, draft in decisions.read() if needed else ():
            if position in self._going and self._going[position].id in needed:
                reason = needed[self._going[position].id]
                decisions.refuse(position, draft.change(), Rejected(record, draft.key, None, reason))

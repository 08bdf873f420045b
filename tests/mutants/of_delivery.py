"""Broken rules of messages and mails: each handled once, none lost, none sent twice."""

from tests.mutants.mutant import Mutant

SHARED = "shared/src/placet_shared"
NOTIFIER = "services/notifier/src/placet_notifier"

MESSAGES = "tests/contract/shared/test_messages.py"
OFFSETS = "tests/contract/shared/test_offsets.py"
CRASHES = "tests/integration/notifier/test_crashes.py"
FENCING = "tests/integration/notifier/test_fencing.py"

OF_DELIVERY = (
    Mutant(
        "inbox-dropped",
        f"{SHARED}/work.py",
        "is_new = claimed.first() is not None",
        "is_new = True",
        (f"{MESSAGES}::test_a_message_that_comes_three_times_is_handled_once[noida]",),
    ),
    Mutant(
        "offset-committed-before-the-message-is-settled",
        f"{SHARED}/broker.py",
        """await self._settler.settle(settled, self.heartbeat.beat)
            await self._commit(record)""",
        """await self._commit(record)
            await self._settler.settle(settled, self.heartbeat.beat)""",
        (f"{OFFSETS}::test_an_offset_is_committed_when_its_message_is_settled_and_not_before[noida]",),
    ),
    Mutant(
        "dead-letter-dropped",
        f"{SHARED}/settling.py",
        "        await letters.bury(self._database, message, str(error))\n",
        "",
        (f"{MESSAGES}::test_poison_is_dead_once_with_its_bytes_and_the_partition_goes_on[noida-no headers]",),
    ),
    Mutant(
        "uncertain-mail-sent-again",
        f"{NOTIFIER}/deliveries.py",
        'return Step("uncertain", ',
        'return Step("queued", next_at=now, reason=',
        (f"{CRASHES}::test_what_broke_off_unforeseen_is_judged_by_where_it_broke_off",),
    ),
    Mutant(
        "mail-of-a-dead-sender-sent-again",
        f"{NOTIFIER}/deliveries.py",
        "if data_begun:",
        "if False:",
        (f"{CRASHES}::test_a_sender_that_slept_after_the_hand_over_changes_nothing_any_more",),
    ),
    Mutant(
        "mail-not-fenced-by-its-epoch",
        f"{NOTIFIER}/store.py",
        "deliveries.c.epoch == epoch, ",
        "",
        (f"{FENCING}::test_a_sender_that_wakes_up_while_another_has_its_mail_does_not_hand_it_over",),
    ),
)

"""Changes of users and tokens, each in the caller's transaction together with the event that tells of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from placet_shared.chain import Signer
from placet_shared.errors import ConflictError, InvalidError
from placet_shared.events import UserChanged
from placet_shared.work import Database, Work

from . import store
from .errors import AlteredUserError, LastAdminError, NoSuchUserError, UserExistsError
from .hashing import SecretHasher
from .sealing import RowSeals
from .tokens import Token, new_token
from .users import NewUser, User, UserDetails, leaves_no_admin, next_version

ADMIN = NewUser(name="admin", roles=("admin",))


@dataclass(frozen=True)
class NewToken:
    """A token just made: the only time that its secret is known."""

    token: Token
    expires_at: datetime | None


class Users:
    """What admins do with users. `seals` are those of the rows."""

    def __init__(self, signer: Signer, seals: RowSeals, hasher: SecretHasher) -> None:
        self._signer = signer
        self.seals = seals
        self._hasher = hasher

    async def add(self, work: Work, new: NewUser) -> tuple[User, bool]:
        """The user, and whether they were made now. Raises UserExistsError when they exist with other details."""
        await store.lock_users(work)
        existing = await store.find_user(work, self.seals, new.name)
        if existing is None:
            return await self._write(work, new.name, new, None, None), True
        if existing.says(new) and existing.disabled_at is None:
            return existing, False
        raise UserExistsError(f"there is a user {new.name} already; change them with PUT /api/v1/users/{new.name}")

    async def change(self, work: Work, name: str, details: UserDetails) -> User:
        """The user with other details. Raises LastAdminError."""
        user = await self._locked(work, name)
        if user.may_administer() and "admin" not in details.roles:
            await self._require_another_admin(work, name)
        return user if user.says(details) else await self._write(work, name, details, user, user.disabled_at)

    async def enable(self, work: Work, name: str, enabled: bool) -> User:
        """The user, who can sign in from now on, or no longer. Raises LastAdminError or AlteredUserError."""
        user = _unaltered(await self._locked(work, name))
        if (user.disabled_at is None) == enabled:
            return user
        if user.may_administer():
            await self._require_another_admin(work, name)
        details = UserDetails(email=user.email, roles=user.roles, groups=user.groups)
        return await self._write(work, name, details, user, None if enabled else work.now)

    async def create_token(self, work: Work, name: str, expires: timedelta | None) -> NewToken:
        """A new token of a user who is not disabled."""
        user = await store.find_user(work, self.seals, name)
        if user is None:
            raise NoSuchUserError(f"there is no user {name}; see `placet user list`")
        if _unaltered(user).disabled_at is not None:
            raise ConflictError(f"{name} is disabled, so a token would be of no use; enable them first")
        token, expires_at = new_token(), _after(work.now, expires)
        await store.add_token(work, self.seals, token.id, name, await self._hasher.hash(token.secret), expires_at)
        return NewToken(token, expires_at)

    async def bootstrap_admin(self, work: Work) -> NewToken:
        """The user `admin` with every power, whatever was done to them before, and a new token."""
        await store.lock_users(work)
        admin = await store.find_user(work, self.seals, ADMIN.name)
        if admin is None or not admin.may_administer():
            details: UserDetails = ADMIN
            if admin is not None and not admin.altered:
                details = UserDetails(email=admin.email, roles=ADMIN.roles, groups=admin.groups)
            await self._write(work, ADMIN.name, details, admin, None)
        return await self.create_token(work, ADMIN.name, None)

    async def announce_all(self, database: Database) -> None:
        """Publishes every user again: the topic is compacted, and a wiped one knows nobody. No change comes in between,
        so that what is told last is what is true."""
        async with database.transaction() as work:
            await store.lock_users(work)
            await store.sign_again(work, self.seals)
            for user in await store.all_users(work, self.seals):
                if not user.altered:
                    await work.publish(self._signer.signed(UserChanged, **user.announcement()))

    async def _locked(self, work: Work, name: str) -> User:
        await store.lock_users(work)
        user = await store.find_user(work, self.seals, name)
        if user is None:
            raise NoSuchUserError(f"there is no user {name}; see `placet user list`")
        return user

    async def _write(
        self, work: Work, name: str, details: UserDetails, before: User | None, disabled_at: datetime | None
    ) -> User:
        others = [user for user in await store.all_users(work, self.seals) if user.name != name]
        if details.email and any((user.email or "").lower() == details.email.lower() for user in others):
            raise ConflictError(f"another user has the e-mail {details.email}; approvers are told apart by it")
        version = next_version(before.version if before and not before.altered else 0, work.now)
        user = await store.write_user(work, self.seals, name, details, version, disabled_at)
        await work.publish(self._signer.signed(UserChanged, **user.announcement()))
        return user

    async def _require_another_admin(self, work: Work, name: str) -> None:
        if leaves_no_admin(await store.all_users(work, self.seals), name):
            raise LastAdminError(f"{name} is the last admin who can sign in; make another one first")


def _unaltered(user: User) -> User:
    if user.altered:
        raise AlteredUserError(
            f"{user.name} was altered in the database and cannot sign in; "
            f"say anew who they are with PUT /api/v1/users/{user.name}"
        )
    return user


def _after(now: datetime, expires: timedelta | None) -> datetime | None:
    if expires is None:
        return None
    try:
        return now + expires
    except OverflowError as error:
        raise InvalidError(
            "expires: that is beyond all calendars; leave it out for a token without end", "expires"
        ) from error

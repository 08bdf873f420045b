"""The notifier's settings."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from placet_shared.objects.base import Security
from placet_shared.settings import Settings


class NotifierSettings(Settings):
    """`smtp_*` is the mail server for runs whose stores have none of their own; without a host there is none."""

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Security = "starttls"
    smtp_sender: str | None = None
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None

    @model_validator(mode="after")
    def _with_sender(self) -> Self:
        if self.smtp_host is not None and self.smtp_sender is None:
            raise ValueError("PLACET_SMTP_HOST needs PLACET_SMTP_SENDER: the address that mails come from")
        return self

"""A small SMTP server that keeps every mail: `python -m placet_cli.local.mail_catcher PORT FOLDER`."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Catcher:
    """Keeps each mail as `NNNN.eml`, and a line about it in `log.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = len(list(folder.glob("*.eml")))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        self._number += 1
        file = self._folder / f"{self._number:04}.eml"
        content = envelope.original_content or b""
        file.write_bytes(content)
        mail = BytesHeaderParser(policy=default).parsebytes(content)
        about = {
            "at": datetime.now(UTC).isoformat(),
            "file": file.name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["Subject"],
            "message_id": mail["Message-ID"],
        }
        with (self._folder / "log.jsonl").open("a") as log:
            log.write(json.dumps(about, ensure_ascii=False) + "\n")
        return "250 kept"


async def serve(port: int, folder: Path) -> None:
    """Until it is told to stop."""
    catcher = Catcher(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(catcher, enable_SMTPUTF8=True), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))

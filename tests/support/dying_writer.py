"""A process that writes a file and is gone at one moment: dying_writer.py FOLDER KIND before|after CHANGES."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from msgspec import json

from placet_sync_worker.changes import Change
from tests.support.files import KINDS, FileWorld

KILLED = 137


def main(folder: Path, kind: str, moment: str, changes: Path) -> NoReturn:
    world = FileWorld(folder, KINDS[kind]())
    replace = Path.replace

    def dies(path: Path, target: Path) -> Path:
        if target == world.path and moment == "before":
            os._exit(KILLED)
        replaced = replace(path, target)
        if target == world.path:
            os._exit(KILLED)
        return replaced

    Path.replace = dies  # type: ignore[method-assign,assignment]  # the moment of death
    world.apply(json.decode(changes.read_bytes(), type=list[Change]))
    sys.exit("it lives")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]))

"""Folders for work in progress: they go when they are not needed, also those of a worker that was killed."""

import multiprocessing
import os
from pathlib import Path

from placet_sync_worker.workspace import workspace


def _die_at_work(spool: Path) -> None:
    with workspace(spool) as folder:
        (folder / "people.parquet").write_text("Ada")
        os._exit(137)


def test_a_folder_goes_with_its_work(tmp_path: Path) -> None:
    with workspace(tmp_path) as folder:
        (folder / "people.parquet").write_text("Ada")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_worker_left_goes_with_the_next_work_and_what_is_used_stays(tmp_path: Path) -> None:
    killed = multiprocessing.get_context("fork").Process(target=_die_at_work, args=(tmp_path,))
    killed.start()
    killed.join()
    (left,) = tmp_path.iterdir()
    with workspace(tmp_path) as used, workspace(tmp_path) as another:
        assert not left.exists()
        assert {used, another} == set(tmp_path.iterdir())


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "somebody's").mkdir()
    with workspace(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's"]

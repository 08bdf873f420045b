"""What the README and the demo tell a newcomer to type works as it stands, against the running demo."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
STAYS = "The stack stays up until Ctrl-C."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the newcomer stands: a repository as far as they touch it."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> Iterator[str]:
    """What the demo printed until it stays up."""
    demo = subprocess.Popen(
        [folder / ".venv/bin/python", ROOT / "examples/demo/run.py"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert demo.stdout is not None
    lines = []
    try:
        for line in demo.stdout:
            lines.append(line)
            if STAYS in line:
                break
        yield "".join(lines)
    finally:
        demo.terminate()
        demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert not (folder / ".placet/demo/slapd/slapd.pid").exists(), "its slapd was left behind"


def typed(folder: Path, lines: Sequence[str]) -> str:
    """All that is printed when these lines are typed one after the other, each with the names that came before."""
    names: dict[str, str] = {}
    exports, printed = "", ""
    for line in lines:
        for name, value in names.items():
            line = re.sub(rf"\b{name}\b", value, line)
        done = subprocess.run(
            ["bash", "-c", f"{exports}\n{line}"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        expected = 6 if "--timeout" in line else 3 if "watch" in line else 0
        assert done.returncode == expected, f"{line}: {done.stdout}{done.stderr}"
        printed += done.stdout + done.stderr
        if line.startswith("export"):
            exports += f"\n{line}"
        names |= _names(line, done.stdout)
    return printed


def _names(line: str, out: str) -> dict[str, str]:
    found = UUID.findall(out)
    if "job run" in line and "--preview" not in line:
        return {"RUN": found[0]}
    if "request list" in line:
        return {"REQUEST": found[0]}
    return {"TOKEN": out.split()[-1]} if "token create" in line else {}


def test_the_demo_shows_why_ada_may_not_approve_and_that_bob_may(said: str) -> None:
    assert STAYS in said, said
    assert "ada asked for this run, so somebody else must decide about it" in said
    assert re.search(r"can approve +bob\n", said)


def test_the_section_use_it_works_as_it_stands(said: str, folder: Path) -> None:
    section = (ROOT / "README.md").read_text().split("## Use it")[1]
    printed = typed(folder, section.split("```sh\n")[1].split("```")[0].splitlines())
    assert "chains of decisions hold" in printed
    assert "Kraków → Gdynia" in printed


def test_what_the_demo_says_to_try_works_as_it_stands(said: str, folder: Path) -> None:
    lines = said.split("In another terminal")[1].splitlines()
    printed = typed(folder, [line.strip() for line in lines if line.startswith("  ")])
    assert re.search(r"state +approved", printed)
    assert "title: Head of everything" in printed, "the directory itself is not shown"

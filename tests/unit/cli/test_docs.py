"""The documentation of files: every example can be applied, and every field that there is has a word."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from placet_cli.files import parse_documents
from placet_shared.objects import base, job, password, provider, schedule, workflow
from placet_shared.objects.provider import Provider

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/files.md").read_text()
SECTIONS = {part.split("\n")[0].strip(): part for part in re.split(r"^##+ ", TEXT, flags=re.MULTILINE)[1:]}
TYPES: tuple[type[BaseModel], ...] = Provider.__args__[0].__args__
BLOCKS = [
    (file.name, block)
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    for block in re.findall(r"^```yaml\n(.*?)^```", file.read_text(), flags=re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize(("file", "block"), BLOCKS)
def test_every_example_is_read_as_a_file_would_be(file: str, block: str) -> None:
    """What does not begin with a kind is a part of an object."""
    assert parse_documents(Path(file), block) if block.startswith("kind:") else yaml.safe_load(block)


def names(model: type[BaseModel]) -> Iterator[str]:
    return (info.alias or name for name, info in model.model_fields.items() if name not in ("kind", "name"))


def documented(section: str) -> set[str]:
    """Words in code style; a table's line may name several."""
    return set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", section))))


@pytest.mark.parametrize("model", TYPES, ids=lambda model: str(model.__name__))
def test_every_field_of_a_provider_is_explained(model: type[BaseModel]) -> None:
    (kind,) = model.model_fields["type"].annotation.__args__  # type: ignore[union-attr]
    known = documented(SECTIONS[kind]) | documented(SECTIONS["provider"])
    if issubclass(model, provider.ActiveDirectoryProvider):
        known |= documented(SECTIONS["ldap"])
    assert set(names(model)) <= known


@pytest.mark.parametrize(
    ("section", "models"),
    [
        (
            "job",
            (
                job.Job,
                job.Source,
                job.Destination,
                job.Key,
                job.Field,
                job.Left,
                job.Resolve,
                job.Limits,
                job.Notify,
                password.Password,
            ),
        ),
        ("schedule", (schedule.Schedule, schedule.Trigger)),
        ("workflow", (workflow.Workflow, workflow.Stage)),
        ("ldap", (provider.MailSettings, provider.TlsSettings)),
        ("provider", (provider.DisableSettings,)),
        ("Secrets", (base.SecretRef,)),
    ],
)
def test_every_field_is_explained(section: str, models: tuple[type[BaseModel], ...]) -> None:
    assert {name for model in models for name in names(model)} <= documented(SECTIONS[section])


@pytest.mark.parametrize("page", ["files.md", "sql.md"])
def test_the_moment_in_which_another_hand_is_not_seen_is_named(page: str) -> None:
    """Where the old values cannot be compared while new ones are written."""
    parts = [" ".join(part.split()) for part in (ROOT / "docs" / page).read_text().split("\n\n")]
    (paragraph,) = (part for part in parts if "`safety: read_back`" in part)
    assert "a person decides" in paragraph
    assert "in between is lost" in paragraph or "before and after" in paragraph

"""Reads objects from YAML and JSON files; a mistake names the file, the line and the nearest known field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from placet_shared.errors import InvalidError
from placet_shared.objects import parse_object

from .errors import USAGE, CommandError

ENDINGS = (".yaml", ".yml", ".json")
DEEPEST = 20


@dataclass(frozen=True)
class Document:
    """One object as it stands in a file."""

    file: Path
    value: dict[str, Any]
    lines: Mapping[str, int]
    """The line of each field, by its dotted path; the object's own by the empty one."""

    @property
    def name(self) -> str:
        return f"{self.value.get('kind', 'object')} {self.value.get('name', '')}".strip()

    def place_of(self, field: str | None) -> str:
        """Where a field stands, or the nearest part around it that does: `people.yaml:12`."""
        path = field or ""
        while path not in self.lines:
            path = path.rpartition(".")[0]
        return f"{self.file}:{self.lines[path]}"

    def as_seen_from_here(self) -> dict[str, Any]:
        """For a stack on this machine: the path of a provider's file is relative to the YAML that names it."""
        if self.value["kind"] != "provider" or "path" not in self.value:
            return self.value
        return {**self.value, "path": str((self.file.parent / self.value["path"]).resolve())}


def read_documents(path: Path) -> list[Document]:
    """Every object in a file, or in the files of a folder. Raises CommandError."""
    return [document for file in _files(path) for document in parse_documents(file, _text_of(file))]


def located(error: CommandError, documents: Sequence[Document]) -> CommandError:
    """The server's complaint about one of the documents, with the place that it is about."""
    about = next((one for one in documents if str(error).startswith(f"{one.name}: ")), None)
    if about is None:
        return error
    return CommandError(f"{about.place_of(error.field)}: {error}", error.code, error.document)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise CommandError(f"{path}: there is no such file or folder", USAGE)
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())
    if not found:
        raise CommandError(f"{path}: the folder holds no {', '.join(ENDINGS)} files", USAGE)
    return found


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file}: cannot be read: {error}") from error


def parse_documents(file: Path, text: str) -> list[Document]:
    """Every object in the text of a file, checked by itself. Raises CommandError."""
    try:
        nodes = list(yaml.compose_all(text, Loader=_Plain))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CommandError(f"{file}:{line}: {error.problem or 'this is not YAML'}") from error
    except yaml.YAMLError as error:
        raise CommandError(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    documents = [document for node in nodes if not _is_empty(node) for document in _of_node(file, node)]
    for document in documents:
        _check(document)
    return documents


def _is_empty(node: yaml.Node | None) -> bool:
    """Also the text after a last `---`."""
    return node is None or (isinstance(node, yaml.ScalarNode) and not node.value)


def _of_node(file: Path, node: yaml.Node) -> Iterator[Document]:
    """A document, or each of a list of them, as JSON files have it."""
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _of_node(file, inner)
        return
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise CommandError(f"{file}:{line}: an object is a mapping with kind and name")
    lines = {"": line}
    _note_lines(node, "", lines, file)
    try:
        value = _Plain("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else line
        raise CommandError(f"{file}:{line}: {error.problem}") from error
    yield Document(file, value, lines)


class _Plain(yaml.SafeLoader):
    """Values as JSON has them: dates and times, and numbers with a leading zero, stay the text that was written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (the library reads it as a class's own)
        first: [(tag, pattern) for tag, pattern in pairs if tag.rpartition(":")[2] in ("null", "bool", "merge")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


for _kind, _pattern in (
    ("int", r"[-+]?(0|[1-9][0-9]*)$"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_pattern), list("-+.0123456789"))


def _note_lines(node: yaml.Node, path: str, lines: dict[str, int], file: Path) -> None:
    if path.count(".") > DEEPEST:
        raise CommandError(f"{file}:{node.start_mark.line + 1}: this is nested too deeply")
    pairs: list[tuple[str, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        pairs = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        pairs = [(str(number), value, value) for number, value in enumerate(node.value)]
    for name, where, value in pairs:
        inner = f"{path}.{name}" if path else name
        if inner in lines:
            raise CommandError(f"{file}:{where.start_mark.line + 1}: {name} stands twice; keep one")
        lines[inner] = where.start_mark.line + 1
        _note_lines(value, inner, lines, file)


def _check(document: Document) -> None:
    try:
        parse_object(document.value)
    except InvalidError as error:
        raise CommandError(f"{document.place_of(error.field)}: {document.name}: {error}") from error

"""Reads objects from YAML and JSON files; a mistake names the file, the line and the nearest known field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from placet_shared.errors import InvalidError
from placet_shared.objects import parse_object

from .errors import USAGE, CommandError

ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Document:
    """One object as it stands in a file."""

    file: Path
    value: dict[str, Any]
    lines: Mapping[str, int]
    """The line of each field, by its dotted path; the object's own by the empty one."""


def read_objects(path: Path, *, local: bool) -> list[dict[str, Any]]:
    """Every object in a file, or in the files of a folder. Raises CommandError.

    `local`: a stack on this machine reads the files of providers where they stand, beside the YAML that names them.
    """
    documents = [document for file in _files(path) for document in _documents(file)]
    checked = [(document, _checked(document)) for document in documents]
    return [_beside(document.file, value) if local else value for document, value in checked]


def _beside(file: Path, value: dict[str, Any]) -> dict[str, Any]:
    if value["kind"] != "provider" or "path" not in value:
        return value
    return {**value, "path": str((file.parent / value["path"]).resolve())}


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise CommandError(f"{path}: there is no such file or folder", USAGE)
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())
    if not found:
        raise CommandError(f"{path}: the folder holds no {', '.join(ENDINGS)} files", USAGE)
    return found


def _documents(file: Path) -> Iterator[Document]:
    try:
        nodes = list(yaml.compose_all(file.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CommandError(f"{file}:{line}: {error.problem or 'this is not YAML'}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(f"{file}: cannot be read: {error}") from error
    for node in nodes:
        if node is not None:
            yield from _of_node(file, node)


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
    yield Document(file, _Plain("").construct_document(node), lines)


class _Plain(yaml.SafeLoader):
    """Values as JSON has them: a date stays the text that was written."""

    yaml_constructors = {  # noqa: RUF012 (the library reads it as a class's own)
        **yaml.SafeLoader.yaml_constructors,
        "tag:yaml.org,2002:timestamp": yaml.SafeLoader.construct_yaml_str,
    }


def _note_lines(node: yaml.Node, path: str, lines: dict[str, int], file: Path) -> None:
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


def _checked(document: Document) -> dict[str, Any]:
    try:
        parse_object(document.value)
    except InvalidError as error:
        line = _line_of(error.field, document.lines)
        who = f"{document.value.get('kind', 'object')} {document.value.get('name', '')}".strip()
        raise CommandError(f"{document.file}:{line}: {who}: {error}") from error
    return document.value


def _line_of(field: str | None, lines: Mapping[str, int]) -> int:
    """The field's line, or that of the nearest part around it that stands in the file."""
    path = field or ""
    while path not in lines:
        path = path.rpartition(".")[0]
    return lines[path]

"""One OpenAPI document for the one origin, made of the services' own. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from .routing import owner

Document = Mapping[str, Any]

PREFIX = "/api/v1"
REFERENCE = "#/components/schemas/"


def merge(own: Document, services: Mapping[str, Document]) -> dict[str, Any]:
    """The console's document with the paths that it forwards; a service's paths that lead elsewhere are left out."""
    paths, schemas = dict(own["paths"]), dict(_schemas(own))
    for service, document in services.items():
        renamed = _without_clashes(service, document, schemas)
        schemas |= _schemas(renamed)
        forwarded = {path: item for path, item in renamed["paths"].items() if _leads_to(path) == service}
        paths |= {path: item for path, item in forwarded.items() if path not in own["paths"]}
    token = {"type": "http", "scheme": "bearer", "description": "a token of `placet token create`"}
    return {
        "openapi": own["openapi"],
        "info": {**own["info"], "title": "Placet"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"token": token}},
        "security": [{"token": []}],
    }


def _leads_to(path: str) -> str | None:
    return owner(path.removeprefix(PREFIX)) if path.startswith(PREFIX + "/") else None


def _schemas(document: Document) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    return found


def _without_clashes(service: str, document: Document, taken: Mapping[str, Any]) -> Document:
    """The document with schemas renamed that have another one's name."""
    clashes = {name for name, schema in _schemas(document).items() if taken.get(name, schema) != schema}
    names = {
        name: f"{service.title().replace('-', '')}{name}" if name in clashes else name for name in _schemas(document)
    }
    moved = {REFERENCE + name: REFERENCE + new for name, new in names.items()}
    renamed: Document = json.loads(json.dumps(document), object_hook=lambda found: _point_to(found, moved))
    schemas = {names[name]: schema for name, schema in _schemas(renamed).items()}
    return {**renamed, "components": {"schemas": schemas}}


def _point_to(found: dict[str, Any], moved: Mapping[str, str]) -> dict[str, Any]:
    reference = found.get("$ref")
    return {**found, "$ref": moved.get(reference, reference)} if isinstance(reference, str) else found

"""Catalogues of plain documents, and what saving does to them, without a database."""

from typing import Any

from placet_scheduler.catalogue import Edit, edit_of
from placet_scheduler.references import Document, Documents
from placet_shared.objects import parse_object


def catalogue(*documents: Document) -> Documents:
    return {(str(document["kind"]), str(document["name"])): document for document in documents}


def edited(before: Documents, *wanted: Document, **options: Any) -> Edit:
    """What saving these documents means; `options` are those of `edit_of`."""
    return edit_of(before, [parse_object(document) for document in wanted], **options)

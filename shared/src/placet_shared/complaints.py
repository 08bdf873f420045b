"""What pydantic finds wrong with a value, in words for whoever wrote it."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "is missing",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "too_short": "should not be empty",
    "too_long": "should have at most {max_length} items",
    "string_too_long": "should have at most {max_length} characters",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "greater_than_equal": "should be at least {ge}",
    "literal_error": "should be {expected}",
    "model_type": "should be a group of fields",
    "dict_type": "should be a group of fields",
    "union_tag_not_found": "{discriminator} is missing",
    "union_tag_invalid": "{discriminator} is {tag!r}, which is unknown; known are {expected_tags}",
}


def complaint(error: ErrorDetails) -> str:
    """One clause without the field's name; kinds of error that have no words here keep pydantic's."""
    words = _WORDS.get(error["type"])
    return error["msg"].removeprefix("Value error, ") if words is None else words.format(**error.get("ctx", {}))


def first_complaint(error: ValidationError, *above: str) -> str:
    """The first thing that is wrong, after the dotted path of its field; `above` is where that path begins."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(map(str, (*above, *first["loc"])))
    return f"{path}: {complaint(first)}" if path else complaint(first)

"""What pydantic finds wrong with a value, in words for whoever wrote it."""

import re

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_GROUP, _LIST, _NUMBER, _WHOLE = (
    "should be a group of fields",
    "should be a list",
    "should be a number",
    "a whole number",
)
_WORDS = {
    "missing": "is missing",
    "none_required": "should be null",
    "extra_forbidden": "is an unknown field",
    "string_type": "should be text",
    "string_sub_type": "should be text",
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "string_pattern_mismatch": "has a form that is not allowed; it should match {pattern}",
    "too_short": "should have at least {min_length} items",
    "too_long": "should have at most {max_length} items",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "int_type": f"should be {_WHOLE}",
    "int_parsing": f"should be {_WHOLE}",
    "int_from_float": f"should be {_WHOLE}",
    "int_parsing_size": f"should be {_WHOLE} that is not so large",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be at most {le}",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
    "json_invalid": "is no JSON: {error}",
    "json_type": "is no JSON",
    "datetime_type": "should be a time such as 2027-01-04T02:30:00Z",
    "datetime_parsing": "should be a time such as 2027-01-04T02:30:00Z",
    "datetime_from_date_parsing": "should be a time such as 2027-01-04T02:30:00Z",
    "union_tag_not_found": "{discriminator} is missing",
    "union_tag_invalid": "{discriminator} is {tag!r}, which is unknown; known are {expected_tags}",
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "mapping_type", "dataclass_type"), _GROUP),
}
_EMPTY = "should not be empty"
_PLURAL = re.compile(r"\b1 (character|item)s\b")


def complaint(error: ErrorDetails) -> str:
    """One clause without the field's name; kinds of error that have no words here keep pydantic's."""
    words, given = _WORDS.get(error["type"]), error.get("ctx", {})
    if words is None:
        return error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return _EMPTY if given.get("min_length") == 1 else _PLURAL.sub(r"1 \1", words.format(**given))


def first_complaint(error: ValidationError, *above: str) -> str:
    """The first thing that is wrong, after the dotted path of its field; `above` is where that path begins."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(map(str, (*above, *first["loc"])))
    return f"{path}: {complaint(first)}" if path else complaint(first)

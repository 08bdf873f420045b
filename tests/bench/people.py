"""Generated people of 12 attributes, the same for the same numbers."""

import csv
from collections.abc import Iterable, Iterator
from typing import TextIO

COLUMNS = (
    "employee_id", "first_name", "last_name", "display_name", "mail", "phone", "mobile", "title", "department",
    "city", "postal_code", "description",
)  # fmt: skip
ATTRIBUTES = (
    "employeeNumber", "givenName", "sn", "displayName", "mail", "telephoneNumber", "mobile", "title",
    "departmentNumber", "l", "postalCode", "description",
)  # fmt: skip
"""In the order of COLUMNS."""

FIRST = ("Ada", "Zoë", "Émile", "José", "Anna", "Łukasz", "Noor", "Ivo", "Mia", "Bo")
LAST = ("Lovelace", "O'Brien", "Nowak", "García", "Müller", "Haddad", "Novák", "Silva", "Berg", "Rossi")


def person(number: int, edition: int = 0) -> tuple[str, ...]:
    """One person's values; another edition has another title."""
    first, last = FIRST[number % 10], LAST[number // 10 % 10]
    return (
        f"E{number:07}", first, f"{last} {number}", f"{first} {last} {number}", f"p{number}@acme.example",
        f"+48 22 {number % 1000000:06}", f"+48 600 {number % 1000000:06}", f"Engineer {edition + number % 7}",
        f"D{number % 40}",
        f"City {number % 90}", f"{number % 100000:05}", f"Works on {number % 300}",
    )  # fmt: skip


def people(count: int, changed_every: int = 0) -> Iterator[tuple[str, ...]]:
    """`count` people; each `changed_every`-th has changed since (0: nobody)."""
    for number in range(count):
        yield person(number, 100 if changed_every and number % changed_every == 0 else 0)


def write_csv(file: TextIO, rows: Iterable[tuple[str, ...]]) -> None:
    """The rows as a CSV file with a header."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    writer.writerows(rows)

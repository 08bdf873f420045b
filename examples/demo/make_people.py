"""Makes people.csv, always the same: 500 rows, two without a surname, and one key that stands twice."""

import csv
import itertools
import random
from pathlib import Path

FIRST = (
    "Ada", "Zoë", "Émile", "José", "Łukasz", "Noor", "Ivo", "Mia", "Bo", "Søren", "Chloé", "Amélie", "Jürgen",
    "Ines", "Tomáš", "Aisha", "Marek", "Lena", "Paul", "Siobhán", "Yara", "Otto", "Nadia", "Hugo", "Ewa",
)  # fmt: skip
LAST = (
    "Lovelace", "O'Brien", "Nowak", "García", "Müller", "Haddad", "Novák", "da Silva", "Berg", "Rossi", "D'Angelo",
    "Öztürk", "Kowalska", "van der Berg", "Smith, Jr.", "Šimić", "Dupont", "Ćosić", "Hansen", "Weiß",
)  # fmt: skip
WORK = (
    ("Engineering", "Engineer"),
    ("Sales", "Account manager"),
    ("Finance", "Accountant"),
    ("People", "Recruiter"),
    ("IT", "Administrator"),
)
CITIES = ("Warszawa", "København", "Zürich", "São Paulo", "Kraków")
COLUMNS = ("employee_id", "first_name", "last_name", "title", "department", "phone", "city")


def rows() -> list[tuple[str, ...]]:
    """The data rows, in the order of the file."""
    chance = random.Random(2026)  # noqa: S311 (not for secrets)
    names = chance.sample(list(itertools.product(FIRST, LAST)), 499)
    people = []
    for number, (first, last) in enumerate(names, start=1):
        department, title = chance.choice(WORK)
        phone = f"+48 22 555 {number:04}"
        people.append((f"E{number:04}", first, last, title, department, phone, chance.choice(CITIES)))
    for number in (117, 303):
        people[number] = (*people[number][:2], "", *people[number][3:])
    return [*people, ("E0042", "Twice", "Listed", "Engineer", "Engineering", "+48 22 555 9999", "Kraków")]


def main() -> None:
    with (Path(__file__).parent / "people.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows())


if __name__ == "__main__":
    main()

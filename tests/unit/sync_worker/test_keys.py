"""Keys as texts: the text, its SQL, and what it is taken apart into."""

import duckdb
from hypothesis import example, given
from hypothesis import strategies as st

from placet_sync_worker.keys import shown_key, shown_key_sql, split_key

TEXTS = st.text(st.one_of(st.sampled_from("\\, '\n"), st.characters(codec="utf-8", exclude_characters="\0")))
PARTS = st.lists(TEXTS, min_size=1, max_size=4)


@given(PARTS)
@example(["a, b", "c\\"])
@example(["", ""])
@example(["\\,", ", "])
def test_text_sql_and_what_is_taken_apart_agree(parts: list[str]) -> None:
    shown = shown_key(parts)
    assert split_key(shown, len(parts)) == tuple(parts)
    sql = shown_key_sql([f"CAST(${number + 1} AS VARCHAR)" for number in range(len(parts))])
    assert duckdb.execute(f"SELECT {sql}", parts).fetchall() == [(shown,)]


def test_a_key_without_one_of_its_parts_is_none_to_sql() -> None:
    sql = shown_key_sql(["'a'", "NULL"])
    assert duckdb.execute(f"SELECT {sql}").fetchall() == [(None,)]

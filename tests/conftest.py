"""Fixtures that every test may ask for."""

pytest_plugins = [
    "tests.support.postgres",
    "tests.support.kafka",
    "tests.support.noida",
    "tests.support.slapd",
    "tests.support.samba",
    "tests.support.mariadb",
]

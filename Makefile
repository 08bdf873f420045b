# Every target works on a bare Debian or Ubuntu machine with Python 3.11 or newer.
.PHONY: setup demo access everything test check fmt bench mutants up down
PATHS := shared services cli tests examples

setup:
	@scripts/setup

demo: setup
	@scripts/debian-packages ldapsearch=ldap-utils
	@.venv/bin/python examples/demo/run.py

up: setup
	@.venv/bin/placet up

down: setup
	@.venv/bin/placet down

access: setup
	@scripts/debian-packages java=default-jre-headless mvn=maven
	@scripts/access-jars

LIBLDAP := gcc=gcc =python3-dev =libldap2-dev =libsasl2-dev

everything:
	@scripts/debian-packages $(LIBLDAP)
	@scripts/setup --group libldap
	@scripts/debian-packages java=default-jre-headless mvn=maven mariadbd=mariadb-server-core my_print_defaults=mariadb-client-core samba=samba-ad-dc =samba-ad-provision ldapsearch=ldap-utils
	@scripts/access-jars

test: everything
	@.venv/bin/pytest -n 2 --dist loadfile

check: setup
	@.venv/bin/ruff check $(PATHS)
	@.venv/bin/ruff format --check --quiet $(PATHS)
	@.venv/bin/mypy
	@.venv/bin/lint-imports

fmt: setup
	@.venv/bin/ruff check --fix --quiet $(PATHS)
	@.venv/bin/ruff format --quiet $(PATHS)

bench:
	@scripts/debian-packages $(LIBLDAP)
	@scripts/setup --group bench
	@.venv/bin/python -m tests.bench.main

mutants: everything
	@.venv/bin/python -m tests.mutants.main

"""What tests of directories share."""

import pytest

from placet_sync_worker.providers.ldap.drivers import Driver, installed


@pytest.fixture(params=["python", "libldap"])
def driver(request: pytest.FixtureRequest) -> Driver:
    """Both drivers keep the same promises in the same words."""
    if request.param == "libldap" and not installed():
        pytest.skip("python-ldap is not installed; `make test` installs it")
    chosen: Driver = request.param
    return chosen

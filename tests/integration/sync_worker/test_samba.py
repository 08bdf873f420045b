"""The domain controller that other tests rely on."""

from tests.support.samba import BIND_DN, DOMAIN_DN, Samba


def test_it_is_an_active_directory_with_the_accounts(samba: Samba) -> None:
    with samba.hand() as hand:
        assert hand.search("", "(objectClass=*)", "BASE", attributes=["supportedCapabilities", "dnsHostName"])
        (root,) = (one["attributes"] for one in hand.response)
        assert "1.2.840.113556.1.4.800" in [str(one) for one in root["supportedCapabilities"]]
        assert hand.search(DOMAIN_DN, f"(distinguishedName={BIND_DN})", attributes=["cn"])

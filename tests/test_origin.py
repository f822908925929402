"""Which client a request comes from."""

from ipaddress import ip_network

import pytest

from service.origin import origin_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    """Headers of a request that came through proxies, or says so."""
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7 , 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7:4711"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2," * 1000], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("", [], ""),
    ],
)
def test_only_listed_proxies_are_believed(peer, values, expected):
    """And only as far as the first address that is none of them: whoever sent that may have made up the rest."""
    assert origin_of(peer, forwarded(*values), PROXIES) == expected


def test_nobody_is_believed_unless_listed():
    """Not even this machine."""
    assert origin_of("127.0.0.1", forwarded("198.51.100.7"), []) == "127.0.0.1"


def test_one_network_is_one_client():
    """Whoever has one IPv6 address has 2^64 of them."""
    assert origin_of("2001:db8::1", [], []) == origin_of("2001:db8::ffff", [], []) != origin_of("2001:db9::1", [], [])

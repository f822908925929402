"""Which client a request comes from: the address that connected, or the one a trusted proxy says it acts for.

The API key tells nobody apart: there is one, and all who are let in have it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

FORWARDED = b"x-forwarded-for"
SITE_BITS = 64
"""Of an IPv6 address, those that a network is given; its users choose the others as they please."""
MOST_HOPS = 10
"""Proxies that are believed one after the other; more are a loop, or made up."""


def origin_of(peer: str, headers: Iterable[tuple[bytes, bytes]], trusted: Sequence[Network]) -> str:
    """The client of a request whose connection comes from `peer`, an IP address; "" where that is unknown.

    X-Forwarded-For is read from its end, which the nearest proxy wrote: the first address that is no trusted proxy is
    the client. What stands before that one is whatever the client wrote.
    """
    if trusted and _is_trusted(peer, trusted):
        said = b",".join(value for name, value in headers if name == FORWARDED).decode("latin-1")
        for hop in reversed(said.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            address = hop.strip()
            if not _parsed(address):
                break
            peer = address
            if not _is_trusted(address, trusted):
                break
    return _site(peer)


@lru_cache(1024)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in trusted)


@lru_cache(1024)
def _site(address: str) -> str:
    """The address itself, or the network of an IPv6 address."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), SITE_BITS), strict=False))
    return str(parsed or "")

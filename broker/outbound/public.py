"""Which IP addresses are those of ordinary hosts on the public internet."""

import ipaddress
from typing import Final

# What `is_global` of some Python versions lets through although it is not an ordinary public host:
# RFC 6890 protocol assignments, RFC 7526 relays (6to4), RFC 9637 documentation.
_SPECIAL_V4: Final = tuple(ipaddress.IPv4Network(net) for net in ("0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24"))
_SPECIAL_V6: Final = tuple(ipaddress.IPv6Network(net) for net in ("2001::/23", "2002::/16", "3fff::/20"))
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an IP address is that of an ordinary host on the public internet."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        # Everything outside 2000::/3 is local, mapped, multicast or reserved; tunnels hide an IPv4 address inside.
        return ip in _GLOBAL_UNICAST and ip.is_global and not any(ip in net for net in _SPECIAL_V6)
    special = ip.is_multicast or ip.is_reserved or any(ip in net for net in _SPECIAL_V4)
    return ip.is_global and not special

"""The addresses of this machine at which a listening socket can be reached."""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from pathlib import Path
from typing import Final

if sys.platform == "linux":
    import fcntl

__all__ = ["reachable_addresses"]

_GET_FLAGS: Final = 0x8913
_GET_ADDRESS: Final = 0x8915
_IS_UP: Final = 0x1
"""Requests to the network devices of Linux, and a flag of a device (netdevice(7))."""

_REQUEST: Final = "256s"
_GLOBAL: Final = "00"
"""Scope of an address in ``if_inet6`` that other networks reach."""


def reachable_addresses(listener: socket.socket) -> list[str]:
    """Return the addresses at which other machines reach a socket that listens on all addresses.

    Args:
        listener: The socket.

    Returns:
        The addresses; empty for a socket that listens on one address.
    """
    if not ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_unspecified:
        return []
    if listener.family == socket.AF_INET:
        return _version_4()
    only_6 = listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    return [*(() if only_6 else _version_4()), *_version_6()]


if sys.platform == "linux":

    def _version_4() -> list[str]:
        addresses: list[str] = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for _, name in socket.if_nameindex():
                request = struct.pack(_REQUEST, name.encode()[:15])
                try:
                    flags = struct.unpack_from("H", fcntl.ioctl(probe, _GET_FLAGS, request), 16)[0]
                    address = socket.inet_ntoa(fcntl.ioctl(probe, _GET_ADDRESS, request)[20:24])
                except OSError:
                    # The device has no address, or is gone.
                    continue
                if flags & _IS_UP and not ipaddress.ip_address(address).is_loopback:
                    addresses.append(address)
        return addresses

    def _version_6() -> list[str]:
        try:
            lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
        except OSError:
            return []
        rows = [line.split() for line in lines]
        return [str(ipaddress.IPv6Address(int(row[0], 16))) for row in rows if row[3] == _GLOBAL]

else:

    def _version_4() -> list[str]:
        return _outgoing(socket.AF_INET, "192.0.2.1")

    def _version_6() -> list[str]:
        return _outgoing(socket.AF_INET6, "2001:db8::1")

    def _outgoing(family: socket.AddressFamily, target: str) -> list[str]:
        """Return the address that packets to other networks carry; a datagram socket sends none to connect."""
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
            except OSError:
                return []
            return [str(probe.getsockname()[0])]

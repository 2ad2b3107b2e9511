"""Who may talk to the server: this machine's own programs, not a web page that a browser on it happens to show.

A page can send requests to 127.0.0.1, by its own scripts (then the browser names the page in `Origin`) or by a host
name of the attacker's that is made to point here (then `Host` names it). What could do harm (the control paths, and
every path while jobs run as real processes) is refused to both.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from batchiac.errors import UsageError


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1, localhost and names under it."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def require_bind(host: str, *, exposed: bool, runs_processes: bool) -> str:
    """What is to be said about the address that the server is asked to bind to: empty for a loopback address.

    Args:
        host: the address or name of `--host`.
        exposed: True when the user has said that others may reach the server.
        runs_processes: True when jobs run as real processes.

    Raises:
        UsageError: another address than a loopback one without the flag, or with the process executor.
    """
    if is_loopback(host):
        return ""
    if runs_processes:
        raise UsageError(
            f"--host {host} with --executor process would let anyone who reaches this machine run commands on it:"
            " use a loopback address (127.0.0.1), or the simulated executor"
        )
    if not exposed:
        raise UsageError(
            f"--host {host} is not a loopback address: everyone who reaches this machine could read and change the"
            " local stack, without credentials; say --expose when that is meant, or use 127.0.0.1"
        )
    return (
        f"warning: bound to {host}: everyone who reaches this machine can read and change the local stack"
        " (every simulated AWS service, the clock, faults), without credentials"
    )


@frozen
class Gate:
    """Decides about requests by their `Host` and `Origin`.

    Attributes:
        hosts: names that the user bound to beside the loopback ones; requests may name them.
    """

    hosts: tuple[str, ...] = ()

    def refusal(self, environ: dict[str, Any]) -> str:
        """Why a request is refused, empty when it may pass."""
        host = environ.get("HTTP_HOST", "")
        name = _host_name(host)
        if not (is_loopback(name) or name in self.hosts):
            return f"the request names the host {host!r}: only this machine's own address is answered here"
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not (origin.startswith("http://") and origin[7:].lower() == host.lower()):
            return f"the request comes from a page of {origin!r}: only pages of this server are answered here"
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
            return "the request comes from a page of another site: only pages of this server are answered here"
        return ""


def _host_name(host: str) -> str:
    try:
        return urlsplit("//" + host).hostname or ""
    except ValueError:
        return ""

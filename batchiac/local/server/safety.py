"""Who may talk to the server: this machine's own programs, not a web page that a browser on it happens to show.

A page can send requests to 127.0.0.1, by its own scripts (then the browser names the page in `Origin`) or by a host
name of the attacker's that is made to point here (then `Host` names it). The control paths, ours and moto's, and every
path while jobs run as real processes, are refused to both. The AWS paths are refused to foreign pages always: a page of
this machine (a front end under development, on another port) may use them, a page of the internet may not. Which host
they are asked under is not looked at: AWS's own names are pointed here by those who test with them.
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
        hosts: names beside the loopback ones that requests may name: the bound one, and those of `--allow-host`.
        any_address: True where requests may name any numerical address: the server is bound beyond this machine, and
            a numerical address is nobody's to point here.
    """

    hosts: tuple[str, ...] = ()
    any_address: bool = False

    def refusal(self, environ: dict[str, Any]) -> str:
        """Why a request of a control path is refused, empty when it may pass."""
        host = environ.get("HTTP_HOST", "")
        if not self._is_ours(_host_name(host)):
            return (
                f"the request names the host {host!r}: only this machine's own address is answered here, and names"
                " given with --allow-host"
            )
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not (origin.startswith("http://") and origin[7:].lower() == host.lower()):
            return f"the request comes from a page of {origin!r}: only pages of this server are answered here"
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
            return "the request comes from a page of another site: only pages of this server are answered here"
        return ""

    def foreign_page(self, environ: dict[str, Any]) -> str:
        """Why a request to an AWS path is refused, empty when it may pass."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not self._is_ours(_host_name(origin.partition("://")[2])):
            return f"the request comes from a page of {origin!r}: only pages of this machine are answered"
        # An image or a link of a foreign page names no origin: as a query, it could change something all the same.
        if (
            origin is None
            and environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
            and "Action=" in environ.get("QUERY_STRING", "")
        ):
            return "the request comes from a page of another site: only pages of this machine are answered"
        return ""

    def _is_ours(self, name: str) -> bool:
        return is_loopback(name) or name in self.hosts or (self.any_address and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def require_host_name(name: str) -> str:
    """A name for `--allow-host`, as requests name it.

    Raises:
        UsageError: it is more, or less, than a name.
    """
    found = _host_name(name)
    if not found or found != name.lower().strip("[]"):
        raise UsageError(f"--allow-host is {name!r}: give a bare name such as batchiac.internal, without a port")
    return found


def _host_name(host: str) -> str:
    try:
        return urlsplit("//" + host).hostname or ""
    except ValueError:
        return ""

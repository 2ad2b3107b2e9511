"""The door to AWS: the one place that knows boto3. Clients are built when first used, never at import.

A client handed out here answers as boto3's does, with two differences: whatever botocore raises comes out as
`errors.AwsRefusal` in AWS's own words, and no call leaves before the stack's `allowedAccountIds` were compared.

Who pays for what: importing this module imports no boto3; a preview that makes no call builds no client.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from batchiac.errors import AwsRefusal, RefusedError
from batchiac.model.target import Target, require_safe

PARALLEL_CALLS = 64
"""Connections kept open to one service: as many as the program host has threads."""

LOCAL_CREDENTIALS = {"aws_access_key_id": "batchiac-local", "aws_secret_access_key": "batchiac-local"}
"""What a local stack is called with when the user has no credentials: it needs some, of any kind."""

NO_CREDENTIALS_CODES = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
"""AWS's codes that mean: these credentials are not, or no longer, good."""


class _Repeats(threading.local):
    """How many calls of this thread were answered only after they had been sent again."""

    count = 0


class Client:
    """One service's client. `client.describe_vpcs(...)` is boto3's method, with refusals translated."""

    def __init__(self, raw: Any, service: str, repeats: _Repeats) -> None:
        self._raw = raw
        self._service = service
        self._repeats = repeats

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        function = getattr(self._raw, method)
        operation = self._raw.meta.method_to_api_mapping.get(method, method)

        def call(**parameters: Any) -> dict[str, Any]:
            try:
                answer: dict[str, Any] = function(**parameters)
            except Exception as error:
                raise _translated(error, operation, self._raw.meta.endpoint_url) from error
            if answer.get("ResponseMetadata", {}).get("RetryAttempts"):
                self._repeats.count += 1
            return answer

        # The next call of the same method finds it as an ordinary attribute.
        self.__dict__[method] = call
        return call

    def shape(self, name: str) -> Any:
        """botocore's model of a structure of the service's API."""
        return self._raw.meta.service_model.shape_for(name)

    def pages(self, method: str, result_key: str, **parameters: Any) -> Iterator[Any]:
        """Every item under `result_key`, page by page, as far as the API pages at all."""
        call = getattr(self, method)
        if not self._raw.can_paginate(method):
            yield from call(**parameters).get(result_key, ())
            return
        names = self._raw.get_paginator(method)._pagination_cfg
        token_in, token_out = names["input_token"], names["output_token"]
        while True:
            answer = call(**parameters)
            yield from answer.get(result_key, ())
            token = answer.get(token_out)
            if not token:
                return
            parameters[token_in] = token


class Door:
    """The way to one target's AWS.

    Args:
        target: where to go; a local target is refused unless it stays on this machine.
        sleep: how a wait passes time, in seconds; an in-process stack passes its own clock's.
        clock: the time that deadlines are measured on, in seconds.

    Attributes:
        target, sleep, clock: the arguments.
    """

    def __init__(
        self, target: Target, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.target = target
        self.sleep = sleep
        self.clock = clock
        # boto3's sessions are not safe to share between threads while a client is being built; its clients are.
        self._lock = threading.RLock()
        self._session: Any = None
        self._clients: dict[str, Client] = {}
        self._account_id: str | None = None
        self._may_act = False
        self._repeats = _Repeats()

    def repeats(self) -> int:
        """How many calls of this thread botocore sent again before they were answered.

        What a create's lost answer made is there beside what the second request made: whoever creates compares this
        before and after.
        """
        return self._repeats.count

    def client(self, service: str) -> Client:
        """The client of `service` ("batch", "ec2", …), built once.

        Raises:
            ConfigError: a local target that would leave this machine.
            RefusedError: the credentials belong to an account that the stack does not allow.
            AwsRefusal: nobody answers at the endpoint, or there are no credentials.
        """
        client = self._clients.get(service)
        if client is not None and self._may_act:
            return client
        with self._lock:
            if not self._may_act:
                require_safe(self.target, acting=True)
                self._require_answer()
                if self.target.allowed_account_ids:
                    self._read_account()
                self._may_act = True
            return self._build(service)

    def account_id(self) -> str:
        """The twelve-digit account that the calls act in; asked once.

        Raises:
            RefusedError: it is not among the stack's allowedAccountIds.
        """
        if self._account_id is None:
            self.client("sts")
            with self._lock:
                self._read_account()
        assert self._account_id is not None
        return self._account_id

    def _read_account(self) -> None:
        if self._account_id is not None:
            return
        account_id: str = self._build("sts").get_caller_identity()["Account"]
        allowed = self.target.allowed_account_ids
        if allowed and account_id not in allowed:
            raise RefusedError(
                f"the credentials belong to account {account_id}, this stack allows {', '.join(allowed)}:"
                " use other credentials, or add the account to batchiac:allowedAccountIds; nothing was changed"
            )
        self._account_id = account_id

    def _build(self, service: str) -> Client:
        if service not in self._clients:
            from botocore.config import Config

            local = self.target.kind == "local"
            if self._session is None:
                self._session = _session(local)
            credentials: Mapping[str, str] = {}
            if local and (self.target.in_process or "AWS_ACCESS_KEY_ID" not in os.environ):
                # A profile's or an instance's own credentials are never looked for here: a local stack needs none,
                # and looking for an instance's costs seconds on a machine that is not one.
                credentials = LOCAL_CREDENTIALS
            raw = self._session.create_client(
                service,
                region_name=self.target.region,
                endpoint_url=self.target.endpoint_url,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 5 if local else 10},
                    max_pool_connections=PARALLEL_CALLS,
                    connect_timeout=5 if local else 20,
                    read_timeout=60,
                    user_agent_extra="batchiac",
                    # The stack says where it acts (model/target.py); an AWS_ENDPOINT_URL never moves an `aws` stack.
                    ignore_configured_endpoint_urls=True,
                ),
                **credentials,
            )
            self._clients[service] = Client(raw, service, self._repeats)
        return self._clients[service]

    def _require_answer(self) -> None:
        """Say at once that nobody listens on this machine, where botocore would try for many seconds."""
        url = self.target.endpoint_url
        if self.target.kind != "local" or self.target.in_process or url is None:
            return
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "localhost", port), timeout=5).close()
        except OSError as error:
            raise AwsRefusal(
                "Connect",
                "Unreachable",
                f"nothing answers at {url} ({error.strerror or error}); start the local stack with `batchiac serve`,"
                " or correct AWS_ENDPOINT_URL or batchiac:endpoint",
            ) from error


def _session(local: bool) -> Any:
    import botocore.session

    session = botocore.session.Session()
    if local:
        # A local stack must not depend on what ~/.aws says (a profile that does not exist is an error otherwise).
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        session.set_config_variable("profile", None)
    return session


def _translated(error: Exception, operation: str, endpoint_url: str) -> Exception:
    """botocore's exception as ours; what is not botocore's stays what it is."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        detail = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(detail.get("Code", "Unknown"))
        message = str(detail.get("Message", "")) or "no message"
        if code in NO_CREDENTIALS_CODES:
            message += " (renew or correct the AWS credentials, then run again: what was begun is taken up again)"
        return AwsRefusal(operation, code, message, status)
    if isinstance(
        error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.CredentialRetrievalError
    ):
        return AwsRefusal(
            operation,
            "NoCredentials",
            f"{error}: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in (aws sso login)",
        )
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return AwsRefusal(operation, "Unreachable", f"no answer from {endpoint_url}: {error}")
    if isinstance(error, exceptions.ParamValidationError):
        return AwsRefusal(operation, "ParamValidation", " ".join(str(error).split()))
    if isinstance(error, exceptions.BotoCoreError):
        return AwsRefusal(operation, type(error).__name__, str(error))
    return error

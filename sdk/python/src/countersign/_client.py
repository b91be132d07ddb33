"""The two clients."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn

import httpx

from ._generated.api import AsyncResources, Resources
from ._request import Timeout
from ._settings import Settings, settings
from ._transport import AsyncSender, Sender


class Countersign(Resources):
    """A client of one Countersign server with one key. Safe to share between threads.

    Args:
        key: An API key, `cs_live_...` or `cs_test_...`; absent, COUNTERSIGN_KEY of the environment.
        base_url: Where the server is; absent, COUNTERSIGN_URL of the environment.
        timeout: Bounds of each call; a number means the total, in seconds.
        max_retries: How often a call is tried again where that does no harm, at most.
        allow_insecure_http: Also plain `http://` to other machines than this one.
        http_client: One of your own, with the certificates and proxies that you need. You close it.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeout | float | None = None,
        max_retries: int = 2,
        allow_insecure_http: bool = False,
        http_client: httpx.Client | None = None,
    ) -> None:
        told = settings(key, base_url, timeout, max_retries, allow_insecure_http)
        self._owns_http = http_client is None
        self._begin(told, http_client or httpx.Client())

    def _begin(self, told: Settings, http: httpx.Client) -> None:
        self._sender = Sender(told, http)
        super().__init__(self._sender)

    def with_options(
        self, *, timeout: Timeout | float | None = None, max_retries: int | None = None
    ) -> Countersign:
        """A client that differs in what is given, on the same connections."""
        other = object.__new__(Countersign)
        other._owns_http = False
        other._begin(self._sender.settings.changed(timeout, max_retries), self._sender.http)
        return other

    def close(self) -> None:
        """Closes the connections, unless they are of a client of your own."""
        if self._owns_http:
            self._sender.http.close()

    def __enter__(self) -> Countersign:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Countersign(base_url={self._sender.settings.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a key and is not pickled or copied; make another one")


class AsyncCountersign(AsyncResources):
    """A client of one Countersign server with one key, for asyncio and trio.

    Args:
        key: An API key, `cs_live_...` or `cs_test_...`; absent, COUNTERSIGN_KEY of the environment.
        base_url: Where the server is; absent, COUNTERSIGN_URL of the environment.
        timeout: Bounds of each call; a number means the total, in seconds.
        max_retries: How often a call is tried again where that does no harm, at most.
        allow_insecure_http: Also plain `http://` to other machines than this one.
        http_client: One of your own, with the certificates and proxies that you need. You close it.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: Timeout | float | None = None,
        max_retries: int = 2,
        allow_insecure_http: bool = False,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        told = settings(key, base_url, timeout, max_retries, allow_insecure_http)
        self._owns_http = http_client is None
        self._begin(told, http_client or httpx.AsyncClient())

    def _begin(self, told: Settings, http: httpx.AsyncClient) -> None:
        self._sender = AsyncSender(told, http)
        super().__init__(self._sender)

    def with_options(
        self, *, timeout: Timeout | float | None = None, max_retries: int | None = None
    ) -> AsyncCountersign:
        """A client that differs in what is given, on the same connections."""
        other = object.__new__(AsyncCountersign)
        other._owns_http = False
        other._begin(self._sender.settings.changed(timeout, max_retries), self._sender.http)
        return other

    async def aclose(self) -> None:
        """Closes the connections, unless they are of a client of your own."""
        if self._owns_http:
            await self._sender.http.aclose()

    async def __aenter__(self) -> AsyncCountersign:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncCountersign(base_url={self._sender.settings.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a key and is not pickled or copied; make another one")

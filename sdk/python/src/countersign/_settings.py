"""What a client is told once."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import NoReturn

import httpx

from ._request import Timeout

_KEY = re.compile(r"[!-~]{1,512}")


class Bearer(httpx.Auth):
    """Adds the key to a request as it is sent. Nothing else holds it."""

    __slots__ = ("__key",)

    def __init__(self, key: str) -> None:
        self.__key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.__key}"
        yield request

    def __repr__(self) -> str:
        return "Bearer(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied; make a client where you need one")


@dataclass(frozen=True)
class Settings:
    base_url: str
    auth: Bearer
    timeout: Timeout
    max_retries: int

    def changed(self, timeout: Timeout | float | None, max_retries: int | None) -> Settings:
        return dataclasses.replace(
            self,
            timeout=bounds(timeout, self.timeout),
            max_retries=self.max_retries if max_retries is None else _retries(max_retries),
        )


def settings(
    key: str | None,
    base_url: str | None,
    timeout: Timeout | float | None,
    max_retries: int,
    allow_insecure_http: bool,
) -> Settings:
    """Reads the arguments of a client, and the environment for those that are absent."""
    key = (os.environ.get("COUNTERSIGN_KEY", "") if key is None else key).strip()
    if not key:
        raise ValueError("key: give one, or set COUNTERSIGN_KEY")
    if not _KEY.fullmatch(key):
        raise ValueError("key: not the form of an API key")  # Never the key itself.
    url = (os.environ.get("COUNTERSIGN_URL", "") if base_url is None else base_url).strip()
    if not url:
        raise ValueError("base_url: give one, or set COUNTERSIGN_URL")
    return Settings(
        _base_url(url, allow_insecure_http), Bearer(key), bounds(timeout, Timeout()), _retries(max_retries)
    )


def bounds(given: Timeout | float | None, default: Timeout) -> Timeout:
    """A number is the total; the rest stays."""
    if given is None or isinstance(given, Timeout):
        return given or default
    return dataclasses.replace(default, total=given)


def _retries(number: int) -> int:
    if type(number) is not int or not 0 <= number <= 10:
        raise ValueError("max_retries: a number from 0 to 10")
    return number


def _base_url(text: str, allow_insecure_http: bool) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("base_url: not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("base_url: an https:// URL with a host")
    if url.port is not None and not 0 < url.port < 65536:
        raise ValueError("base_url: no such port")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("base_url: nothing but scheme, host, port and path")
    if url.scheme == "http" and not allow_insecure_http and not _is_loopback(url.host):
        raise ValueError(
            "base_url: plain http:// would show the key and the codes to the network; use https://, "
            "or say allow_insecure_http=True"
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

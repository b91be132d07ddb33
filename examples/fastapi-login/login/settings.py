"""What the environment says; every problem at the start, none later."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Settings:
    url: str
    """Where people open this app: scheme, host and port."""
    secret: bytes
    """What cookies and forms are signed with."""

    @property
    def is_secure(self) -> bool:
        return self.url.startswith("https://")

    @property
    def origin(self) -> str | None:
        """The host that browsers bind the code to. `localhost` is no name that a message could carry."""
        host = urlsplit(self.url).hostname
        return None if host == "localhost" else host

    def __repr__(self) -> str:
        return f"Settings(url={self.url!r})"


def read_settings() -> Settings:
    url = os.environ.get("APP_URL", "http://localhost:8000").rstrip("/")
    parts = urlsplit(url)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.path or not parts.hostname or parts.scheme not in (("http", "https") if is_here else ("https",)):
        raise SystemExit("APP_URL: https:// and a host; http:// only for this machine")
    secret = os.environ.get("APP_SECRET", "")
    if not secret and is_here:
        secret = secrets.token_hex(32)  # Whoever is signed in is signed out by a restart.
    if len(secret) < 32:
        raise SystemExit("APP_SECRET: at least 32 characters, as `openssl rand -hex 32` makes them")
    return Settings(url, secret.encode())

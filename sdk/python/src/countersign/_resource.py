"""What the generated resources stand on: how they send, read and iterate."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ._request import Request
from .errors import InvalidAnswerError

T = TypeVar("T")
_Read = Callable[[Any], T]


class Calls(Protocol):
    """Sends, and answers the JSON of the answer, if it has any."""

    def send(self, request: Request) -> Any: ...


class AsyncCalls(Protocol):
    async def send(self, request: Request) -> Any: ...


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list."""

    data: list[T]
    next_cursor: str | None
    """Of the page that follows, if there is one."""


def _read(read: _Read[T], answer: Any) -> T:
    try:
        return read(answer)
    except (AttributeError, KeyError, TypeError, ValueError):
        error = InvalidAnswerError("The answer is not what the API documents.")
    raise error


def _page(read: _Read[T], answer: Any) -> Page[T]:
    def all_of(data: Mapping[str, Any]) -> Page[T]:
        return Page([read(item) for item in data["data"]], data.get("next_cursor"))

    return _read(all_of, answer)


def _next(page: Page[Any], cursor: str | None) -> str | None:
    """Where to go on. A server that names the same page again would be asked forever."""
    if page.next_cursor is not None and page.next_cursor == cursor:
        raise InvalidAnswerError("The answer names the same page as the one that follows.")
    return page.next_cursor


class Pages(Generic[T]):
    """A list that is fetched page by page while it is iterated over.

    Nothing is sent before that; each iteration starts anew.
    """

    def __init__(self, calls: Calls, request: Request, read: _Read[T], place: str | None) -> None:
        self._calls = calls
        self._request = request
        self._read = read
        self._place = place

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data

    def pages(self) -> Iterator[Page[T]]:
        """The pages themselves, each with the cursor of the next."""
        cursor = None
        while True:
            answer = self._calls.send(self._request.with_cursor(self._place, cursor))
            page = _page(self._read, answer)
            yield page
            cursor = _next(page, cursor)
            if cursor is None or self._place is None:
                return


class AsyncPages(Generic[T]):
    """A list that is fetched page by page by `async for`.

    Nothing is sent before that; each iteration starts anew.
    """

    def __init__(self, calls: AsyncCalls, request: Request, read: _Read[T], place: str | None) -> None:
        self._calls = calls
        self._request = request
        self._read = read
        self._place = place

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """The pages themselves, each with the cursor of the next."""
        cursor = None
        while True:
            answer = await self._calls.send(self._request.with_cursor(self._place, cursor))
            page = _page(self._read, answer)
            yield page
            cursor = _next(page, cursor)
            if cursor is None or self._place is None:
                return


class Resource:
    """The operations of one kind."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def _send(self, request: Request) -> None:
        self._calls.send(request)

    def _read(self, request: Request, read: _Read[T]) -> T:
        return _read(read, self._calls.send(request))

    def _pages(self, request: Request, read: _Read[T], place: str | None = None) -> Pages[T]:
        return Pages(self._calls, request, read, place)


class AsyncResource:
    """The operations of one kind."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def _send(self, request: Request) -> None:
        await self._calls.send(request)

    async def _read(self, request: Request, read: _Read[T]) -> T:
        return _read(read, await self._calls.send(request))

    def _pages(self, request: Request, read: _Read[T], place: str | None = None) -> AsyncPages[T]:
        return AsyncPages(self._calls, request, read, place)

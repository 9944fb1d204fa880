"""Small tables read once for each request: `remembering` opens a notebook, `once` writes in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

_notebook: ContextVar[dict[str, Any] | None] = ContextVar("notebook", default=None)

T = TypeVar("T")


@contextmanager
def remembering() -> Iterator[None]:
    token = _notebook.set({})
    try:
        yield
    finally:
        _notebook.reset(token)


@contextmanager
def continuing() -> Iterator[None]:
    """Write on in the open notebook; open one where there is none."""
    if _notebook.get() is not None:
        yield
        return
    with remembering():
        yield


def once(key: str, make: Callable[[], T]) -> T:
    """What `make` gives, made once while somebody remembers; else made each time."""
    notebook = _notebook.get()
    if notebook is None:
        return make()
    if key not in notebook:
        notebook[key] = make()
    return cast(T, notebook[key])


def forget(key: str) -> None:
    """After a write: the next question asks the database."""
    notebook = _notebook.get()
    if notebook is not None:
        notebook.pop(key, None)

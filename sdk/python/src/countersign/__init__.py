"""Countersign: one-time codes by SMS.

from countersign import Countersign

client = Countersign()
verification = client.verifications.start(to="+48500500500")
result = client.verifications.check(verification.id, code="123456")
result.status == "approved"
"""

from . import models, webhooks
from ._client import AsyncCountersign, Countersign
from ._generated import VERSION
from ._request import UNSET, Timeout
from ._resource import AsyncPages, Page, Pages
from .errors import (
    AuthenticationError,
    ConflictError,
    CountersignError,
    InvalidAnswerError,
    InvalidRequestError,
    NetworkError,
    NetworkTimeoutError,
    NotFoundError,
    PermissionDeniedError,
    ProblemError,
    RateLimitError,
    ServerError,
)
from .webhooks import WebhookVerificationError

__version__ = VERSION

__all__ = [
    "UNSET",
    "AsyncCountersign",
    "AsyncPages",
    "AuthenticationError",
    "ConflictError",
    "Countersign",
    "CountersignError",
    "InvalidAnswerError",
    "InvalidRequestError",
    "NetworkError",
    "NetworkTimeoutError",
    "NotFoundError",
    "Page",
    "Pages",
    "PermissionDeniedError",
    "ProblemError",
    "RateLimitError",
    "ServerError",
    "Timeout",
    "WebhookVerificationError",
    "__version__",
    "models",
    "webhooks",
]

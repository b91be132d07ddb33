"""What the API answers, and what some arguments may be."""

from ._generated.models import *  # noqa: F403

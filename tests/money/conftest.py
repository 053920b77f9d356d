"""A county with one family, and what a finance officer does."""

from tests.journey.conftest import town  # noqa: F401

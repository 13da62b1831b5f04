"""Fixtures of the store's tests."""

from __future__ import annotations

from store_fixtures import embedded_store, store_client

__all__ = ["embedded_store", "store_client"]

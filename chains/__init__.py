"""Compositions: Runnables put together into what is served. No weights, no I/O, no HTTP."""

from chains.catalog import ROUTES, Components, Route, Settings

__all__ = ["ROUTES", "Components", "Route", "Settings"]

"""The DuckDB engine."""

from leeway.engines.duckdb.engine import DuckDb

__all__ = ["DuckDb"]

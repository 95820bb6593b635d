"""The only room that runs queries: DuckDB by default."""

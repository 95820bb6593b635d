"""Data in: shop.toml, the table contract, the reader, the checks, the sample shop."""

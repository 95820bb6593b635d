"""Data in: shop.toml, the table contract, the reader, the checks, the sample shop."""

from custmeasure.shop.settings import Settings
from custmeasure.shop.shop import Shop, find_shop, open_shop

__all__ = ["Settings", "Shop", "find_shop", "open_shop"]

"""Data in: shop.toml, the table contract, the reader, the checks, the sample shop.

Names are loaded when they are first used: a notebook that is handed a shop already read needs no reader.
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.shop.frozen import freeze, thawed
    from custmeasure.shop.lake import read_lake
    from custmeasure.shop.open import find_shop, open_shop
    from custmeasure.shop.settings import Settings
    from custmeasure.shop.shop import Shop

__all__ = ["Settings", "Shop", "find_shop", "freeze", "open_shop", "read_lake", "thawed"]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.shop.frozen": ("freeze", "thawed"),
        "custmeasure.shop.lake": ("read_lake",),
        "custmeasure.shop.open": ("find_shop", "open_shop"),
        "custmeasure.shop.settings": ("Settings",),
        "custmeasure.shop.shop": ("Shop",),
    },
)

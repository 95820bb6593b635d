"""Known exports: SmartStore, Cafe24, Shopify, Google Analytics 4, reviews, each a mapping in TOML.

- `mapping`: what a mapping says; `written`: how it is read from its TOML.
- `recognise`: which export a file is, by its header.
- `read`: the files of an export → tables of the contract, through the strict reader.
- `convert`: rows → tables, with every row accounted for; inside it `sheet` (values of rows), `people`,
  `states`, `fold`, `nested`, `values` and `tables`.
- `init`: a shop.toml for the files that a shop owner has.
"""

from typing import TYPE_CHECKING

from custmeasure import lazy

if TYPE_CHECKING:
    from custmeasure.shop.exports.mapping import ExportMapping
    from custmeasure.shop.exports.read import Exported, read_export
    from custmeasure.shop.exports.written import load, names, source

__all__ = [
    "ExportMapping",
    "Exported",
    "load",
    "names",
    "read_export",
    "source",
]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.shop.exports.mapping": ("ExportMapping",),
        "custmeasure.shop.exports.read": ("Exported", "read_export"),
        "custmeasure.shop.exports.written": ("load", "names", "source"),
    },
)

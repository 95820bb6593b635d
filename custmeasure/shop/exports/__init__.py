"""Known exports: SmartStore, Cafe24, Shopify, Google Analytics 4, reviews, each a mapping in TOML.

- `mapping`: what a mapping says; `written`: how it is read from its TOML.
- `recognise`: which export a file is, by its header.
- `read`: the files of an export → tables of the contract, through the strict reader.
- `convert`: rows → tables, with every row accounted for; inside it `sheet` (values of rows), `people`,
  `states`, `fold`, `nested`, `values` and `tables`.
- `init`: a shop.toml for the files that a shop owner has.
"""

from custmeasure.shop.exports.convert import Converted, convert
from custmeasure.shop.exports.mapping import ExportMapping
from custmeasure.shop.exports.read import Exported, read_export
from custmeasure.shop.exports.written import load, names, source

__all__ = [
    "Converted",
    "ExportMapping",
    "Exported",
    "convert",
    "load",
    "names",
    "read_export",
    "source",
]

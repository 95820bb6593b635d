"""What a result looks like: its table, its words in Korean and English, its plots."""

import importlib
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    """Load the plots when they are first drawn: matplotlib is slow to import."""
    if name != "plots":
        raise AttributeError(f"module 'custmeasure.show' has no attribute {name!r}")
    return importlib.import_module("custmeasure.show.plots")

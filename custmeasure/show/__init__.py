"""What a result looks like: its table, its words in Korean and English, its plots.

Plots are loaded when they are first drawn: matplotlib is slow to import.
"""

from custmeasure import lazy

__getattr__, __dir__ = lazy.attach(__name__, {"custmeasure.show.plots": ("plots",)})

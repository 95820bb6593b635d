"""How fast: ratios measured in one run, ours and its peer taken in turns.

``make bench`` prints them and keeps them in ``results/latest.json``; ``make bench QUICK=1`` measures each
once and keeps nothing. Only the ratios mean something on another machine, the seconds do not.
"""

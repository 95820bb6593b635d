"""Notebooks into dated reports: run, render, gate, publish, index.

Names are loaded when they are first used: kernels start before the process that watches them has loaded
what runs cells, reads data and makes pages.
"""

import sys

from custmeasure import lazy

# JupyterLab installs rfc3987_syntax, whose grammar takes 1.3 s to build whenever jsonschema is
# imported; no schema of a notebook asks for it. jsonschema does without when it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "custmeasure.report.execute": ("as_text",),
        "custmeasure.report.inspect": ("examine", "remember"),
        "custmeasure.report.make": ("make_page",),
        "custmeasure.report.render": ("render",),
    },
)

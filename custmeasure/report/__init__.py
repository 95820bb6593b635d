"""Notebooks into dated reports: run, render, gate, publish, index."""

import sys

# JupyterLab installs rfc3987_syntax, whose grammar takes 1.3 s to build whenever jsonschema is
# imported; no schema of a notebook asks for it. jsonschema does without when it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

"""The fuzz target is run, not collected: it needs atheris and never returns."""

collect_ignore = ["fuzz_reader.py"]

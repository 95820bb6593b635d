# make report    the dated report of the sample shop, in reports/
# make test      every test; those of Spark where `make spark` has been called and Java 17 is there
# Each makes the environment .venv when it is missing or out of date; nothing else is needed first.
# Another Python (3.11 to 3.14): make report PYTHON=/path/to/python3.12

SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
CANDIDATES := python3.13 python3.12 python3.11 python3.14 python3 python
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $$p && break; done)
# The loops over bytes and events are compiled when first called, and kept: half a minute, once.
FIRST_CALLS := import custmeasure as cm; shop = cm.open_shop('data/sample'); \
  cm.funnel(shop.events, shop.steps, window='7d'); \
  cm.retention(shop.orders, unit='customer_id', at='at', period='month')
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: report test spark lint bench calibrate lock clean

report: $(READY)
	$(BIN)/custmeasure run data/sample --date 2026-11-01   # the day after its last data
	@echo "Open $(CURDIR)/reports/index.html in a browser."

# One process a core; the tests of one file stay together, for they share what they set up.
test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

spark: $(VENV)/spark

# QUICK=1: once each, nothing kept, and only beside what is here already.
bench: $(if $(QUICK),$(READY),$(VENV)/peers)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick)

# How often the statistics err: docs/calibration.md, 100,000 tests a line. QUICK=1: 5,000, nothing kept.
calibrate: $(READY)
	$(BIN)/python -m benchmarks.calibrate $(if $(QUICK),--quick)

# After a change of dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --extra dev --universal --fork-strategy fewest --python-version 3.11 \
	  --no-emit-index-url --no-header --no-annotate --generate-hashes --output-file constraints.txt
	for extra in spark peers; do \
	  $(BIN)/python -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["'$$extra'"], sep="\n")' | \
	  uv pip compile - --constraints constraints.txt --universal --fork-strategy fewest --python-version 3.11 \
	    --no-emit-index-url --no-header --no-annotate --generate-hashes --output-file constraints-$$extra.txt; \
	done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# An environment of another tool, or one that was broken off, has no pip that works: it is made anew.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "custmeasure needs Python 3.11 to 3.14 with venv (Debian: apt install python3-venv)." \
	  "Name it: make report PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making the environment $(VENV); this takes some minutes, once."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --compile --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q custmeasure
	$(BIN)/python -c "$(FIRST_CALLS)"
	@touch $@

# Extras beside the environment: spark, peers.
$(VENV)/%: constraints-%.txt $(READY)
	$(BIN)/python -m pip install --quiet --compile --require-hashes -r $<
	@touch $@

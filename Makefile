# make demo   set up, run the quickstart suite, say where the report is
# make test   set up, run the tests
# make check  set up, run the linters, the type checker and the import rules
# make versions  after a change that alters no bytes: note the jobs' code as it is now
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ROOMS := suite adapters embedders classifiers jobs results corpora

.PHONY: demo test check versions clean

demo: .venv/installed
	$(BIN)/logmark run suites/quickstart.yaml

# What starts clusters or measures time comes after the rest and by itself.
ALONE := tests/faults tests/benchmarks

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		$(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest $(ALONE)

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

versions: .venv/installed
	$(BIN)/python -m jobs.code

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		--config-settings editable_mode=compat -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

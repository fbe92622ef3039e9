# make install  make .venv, with all that the other targets need
# make demo   set up, run the quickstart suite, say where the report is
# make test   set up, run the tests
# make check  set up, run the linters, the type checker and the import rules
# make docs   set up, make docs/ into HTML: build/docs/index.html
# make audit  ask the package index for known vulnerabilities of all pins
# make versions  after a change that alters no bytes: note the jobs' code as it is now
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
BIN := .venv/bin
ROOMS := suite adapters embedders classifiers jobs results corpora

.PHONY: install demo test check docs audit versions clean

install: .venv/installed

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

docs: .venv/installed
	$(BIN)/sphinx-build -W --keep-going -n -q -d build/doctrees docs build/docs

# An environment of its own, so that what audits is not audited; a pin that nobody knows fails.
audit:
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

versions: .venv/installed
	$(BIN)/python -m jobs.code

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		--config-settings editable_mode=compat -e '.[dev]'
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# `make demo` and `make test` need Python 3.10 or newer, make and a package index, nothing else.
# A stamp file remembers what was installed: a second call installs nothing until the
# requirements change.

PYTHON ?= python3
WORKERS ?= 2
INSTALL = -m pip install --quiet --disable-pip-version-check

export HF_HUB_OFFLINE = 1
export MPLBACKEND = Agg
# Where no bytecode is kept, every process compiles the package anew, and pytest all tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-newest test-tl4 test-wheel test-benchmarks test-objects docs audit clean

demo: .venv/installed
	.venv/bin/interp demo

# One BLAS thread per worker: two threads on a busy machine are up to 40 times slower than one.
test test-newest test-wheel: export OMP_NUM_THREADS = 1
test test-newest test-wheel: export OPENBLAS_NUM_THREADS = 1

test: .venv/installed-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pytest -n $(WORKERS) --nbmake --nbmake-timeout=600 notebooks tests

# The same tests on the newest releases that pyproject.toml allows, looked up at every call: TransformerLens 4.x, which
# has no HookedTransformer, among them. Only torch is pinned, to the lock's release: a newer one brings gigabytes of CUDA.
# As users run it: `make test` checks the types and shapes of every call (`tests/checked_calls.py`).
test-newest: .venv-newest/made
	.venv-newest/bin/python $(INSTALL) --upgrade --upgrade-strategy eager "$$(grep '^torch==' constraints.txt)" -e '.[test]'
	.venv-newest/bin/pytest -n $(WORKERS) -o addopts="-ra --strict-markers --strict-config" tests

test-tl4: test-newest

# Shards in an object store: s3fs and moto beside the environment, whose python-dateutil is newer than they allow.
test-objects: .venv/installed-test .objects/made
	PYTHONPATH=$(CURDIR)/.objects .venv/bin/pytest tests/storing/test_s3.py

# The demo from a wheel in an environment of its own, and the package from the folder that holds a clone.
test-wheel: .venv-wheel/made
	.ci/wheel .venv-wheel/bin/python

# Every benchmark in its quick mode: what it measures then says nothing, but it still runs.
test-benchmarks: .venv/installed-test
	.venv/bin/python .ci/benchmarks

# Known vulnerabilities of the locked versions. It asks PyPI about each of them, so it is run by hand, not by CI; a version
# that the service does not know, or a service that cannot be reached, is a failure (--strict).
audit: .venv-audit/made
	.venv-audit/bin/python $(INSTALL) 'pip-audit>=2.7'
	.venv-audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt

# The pages of docs/reference/ and the table of rooms in CONTRIBUTING, from docstrings. The tests say if they are stale.
docs: .venv/installed
	.venv/bin/python docs/build.py

.venv/installed: pyproject.toml constraints.txt
	@echo "Installing into .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) -c constraints.txt -e .
	touch $@

.venv/installed-test: .venv/installed
	.venv/bin/python $(INSTALL) -c constraints.txt -e '.[test]'
	touch $@

.objects/made: pyproject.toml
	.venv/bin/python $(INSTALL) --target .objects 's3fs>=2026.6' 'moto[server]>=5'
	touch $@

.venv-newest/made .venv-wheel/made .venv-audit/made: pyproject.toml constraints.txt
	@echo "Installing into $(@D) (a few minutes the first time)"
	$(PYTHON) -m venv --clear $(@D)
	touch $@

clean:
	rm -rf .objects .venv .venv-newest .venv-wheel .venv-audit build dist *.egg-info

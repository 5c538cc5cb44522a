# `make demo` and `make test` need Python 3.10 or newer, make and a package index, nothing else.
# A stamp file remembers what was installed: a second call installs nothing until the
# requirements change.

PYTHON ?= python3
WORKERS ?= 2
INSTALL = -m pip install --quiet --disable-pip-version-check

export HF_HUB_OFFLINE = 1
export MPLBACKEND = Agg

.PHONY: demo test test-tl4 clean

demo: .venv/installed
	.venv/bin/interp demo

# One BLAS thread per worker: two threads on a busy machine are up to 40 times slower than one.
test test-tl4: export OMP_NUM_THREADS = 1
test test-tl4: export OPENBLAS_NUM_THREADS = 1

test: .venv/installed-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pytest -n $(WORKERS) --nbmake --nbmake-timeout=600 tests notebooks

# The same tests on the newest TransformerLens 4.x, which has no HookedTransformer.
test-tl4: .venv-tl4/installed-test
	.venv-tl4/bin/pytest -n $(WORKERS) tests

.venv/installed: pyproject.toml constraints.txt
	@echo "Installing into .venv (a few minutes the first time)"
	$(PYTHON) -m venv .venv
	.venv/bin/python $(INSTALL) -c constraints.txt -e .
	touch $@

.venv/installed-test: .venv/installed
	.venv/bin/python $(INSTALL) -c constraints.txt -e '.[test]'
	touch $@

.venv-tl4/installed-test: pyproject.toml constraints.txt
	@echo "Installing into .venv-tl4 (a few minutes the first time)"
	$(PYTHON) -m venv .venv-tl4
	grep -v '^transformer-lens==' constraints.txt > .venv-tl4/constraints.txt
	.venv-tl4/bin/python $(INSTALL) -c .venv-tl4/constraints.txt 'transformer-lens>=4,<5' -e '.[test]'
	touch $@

clean:
	rm -rf .venv .venv-tl4 build dist *.egg-info

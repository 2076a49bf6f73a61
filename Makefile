STUDY ?= ctrt
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$python && break; done)
endif
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
SUPPORTED := 3.11 3.12 3.13
FOUND := $(shell $(or $(PYTHON),python3) --version 2>/dev/null)
READY := .venv/.ready-$(VERSION)
RUN := .venv/bin/python

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
# Memory once freed is kept for the next array, not handed back to the system each time.
export MALLOC_MMAP_THRESHOLD_ ?= 33554432
export MALLOC_TRIM_THRESHOLD_ ?= 536870912
unexport PYTHONDONTWRITEBYTECODE

LOCKED := --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --quiet

.PHONY: report render test quick clean lab check scorecard simulate cohort benchmark outputs lock python

report: $(READY)
	@$(RUN) -m helpers report "data/$(STUDY)"

test: $(READY)
	@$(RUN) -m ruff check .
	@$(RUN) -m pytest -n 2 --dist loadfile

quick: $(READY)
	@$(RUN) -m pytest -n 2 --dist loadfile -m "not whole and not slow" tests

render: $(READY)
	@$(RUN) -m helpers render "data/$(STUDY)"

check: $(READY)
	@$(RUN) -m helpers check "data/$(STUDY)"

scorecard: $(READY)
	@$(RUN) -m helpers scorecard "data/$(STUDY)"

simulate: $(READY)
	@$(RUN) -m helpers simulate "data/$(STUDY)"

cohort: $(READY)
	@VIRTUAL_ENV="$(CURDIR)/.venv" .venv/bin/uv pip install --quiet --no-deps --require-hashes \
		-r data/ctrt/build/requirements.lock
	@$(RUN) data/ctrt/build

benchmark: $(READY)
	@PYTHONPATH=tests $(RUN) tests/benchmarks/matching.py
	@$(RUN) tests/benchmarks/kernel.py

lab: $(READY)
	@$(RUN) -m jupyterlab --LabApp.news_url=None --LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate notebooks

python:
ifeq ($(filter $(VERSION),$(SUPPORTED)),)
	@echo "This project needs Python 3.11, 3.12 or 3.13; found $(or $(FOUND),no python3). Install one of them, or" \
		"name it: make PYTHON=/path/to/python3.12" >&2; exit 1
endif

$(READY): requirements.lock pyproject.toml | python
	@echo "Setting up Python $(VERSION) in .venv (once)"
	@$(PYTHON) -m venv --clear .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@$(RUN) -m pip install --quiet --require-hashes --no-deps -r .venv/uv.lock
	@VIRTUAL_ENV="$(CURDIR)/.venv" .venv/bin/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV="$(CURDIR)/.venv" .venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e .
	@$(RUN) -c "import helpers.report.page, helpers.word, helpers.results, helpers.figures, nbval.plugin"
	@touch $@

clean:
	@rm -rf .store

outputs: $(READY)
	@$(RUN) -m nbconvert --to notebook --inplace --execute --ExecutePreprocessor.record_timing=False \
		--log-level=WARN notebooks/*.ipynb

lock: $(READY)
	@.venv/bin/uv pip compile pyproject.toml --extra dev $(LOCKED) -o requirements.lock
	@.venv/bin/uv pip compile pyproject.toml --extra dev --extra cohort -c requirements.lock $(LOCKED) --no-annotate \
		| sed -n '/^numba==/,/[^\\]$$/p; /^llvmlite==/,/[^\\]$$/p' > data/ctrt/build/requirements.lock
	@$(RUN) tests/environment.py > environment.yml

# `make demo` and `make test`: from a bare Python 3.11+ to done. Without make, see README.md.
.PHONY: demo test test-fast test-project test-slow site
# Where an image of Python sets it, each command would compile MLflow anew.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
UV := build/tools/bin/uv
PYTEST := run --quiet pytest
SHARED := -n 3 --dist worksteal # one more than the two cores of CI: tests wait for servers
# What needs no project; what needs one project and its environment; the rest needs servers or an engine.
FAST := $(addprefix tests/test_,$(addsuffix .py,sources names bake workflow_files maintainers own_ci))
PROJECT := $(addprefix tests/test_,$(addsuffix .py,deploy dashboard oracles generated planted adopt loop updates recipes))
SLOW := $(filter-out $(FAST) $(PROJECT),$(wildcard tests/test_*.py)) tests/workflows

demo: $(UV)
	$(UV) run --quiet python demo.py

test: $(UV)
	$(UV) $(PYTEST) $(SHARED)

test-fast: $(UV)
	$(UV) $(PYTEST) $(SHARED) $(FAST)

test-project: $(UV)
	$(UV) $(PYTEST) $(SHARED) $(PROJECT)

test-slow: $(UV)
	$(UV) $(PYTEST) $(SHARED) $(SLOW)

site: $(UV)
	$(UV) run --quiet mkdocs build --strict

$(UV):
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet uv

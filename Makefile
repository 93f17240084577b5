# `make demo` and `make test`: from a bare Python 3.11+ to done. Without make, see README.md.
.PHONY: demo test test-fast
PYTHON ?= python3
UV := build/tools/bin/uv

demo: $(UV)
	$(UV) run --quiet python demo.py

test: $(UV)
	$(UV) run --quiet pytest -n 2 --dist worksteal

test-fast: $(UV)
	$(UV) run --quiet pytest tests/test_sources.py tests/test_bake.py tests/test_names.py tests/test_workflow_files.py

$(UV):
	$(PYTHON) -m venv build/tools
	build/tools/bin/python -m pip install --quiet uv

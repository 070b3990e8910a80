# Everything runs in a private environment with the locked set of dependencies.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)

.PHONY: demo test prove bench crosscheck lock

demo: .venv/stamp ; .venv/bin/touchline demo $(ARGS)

# mypy and import-linter read while pytest runs: it leaves the cores idle at times. What they say comes
# last, and is kept in .venv/read.log. Compiled modules are kept: the tests start hundreds of processes.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/stamp
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . || exit; \
	{ .venv/bin/mypy && .venv/bin/lint-imports; } >.venv/read.log 2>&1 & reading=$$!; \
	.venv/bin/pytest -n 2 --dist loadfile $(ARGS); tests=$$?; \
	wait $$reading; read=$$?; cat .venv/read.log; \
	test $$tests -eq 0 && test $$read -eq 0

prove: .venv/stamp ; .venv/bin/touchline prove $(NAME)

bench: .venv/stamp ; .venv/bin/touchline bench $(NAME)

crosscheck: .venv/stamp ; .venv/bin/python -m benchmarks.crosscheck $(ARGS)

lock: ; uv pip compile setup.cfg --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --upgrade --output-file requirements.lock

.venv/stamp: requirements.lock setup.cfg pyproject.toml
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer, with its venv module, is needed' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

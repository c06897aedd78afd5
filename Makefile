# `make help` lists the targets. None needs a prior `uv sync`: `uv run` sees to it.

MEMBERS := $(patsubst %/,%,$(wildcard packages/*/ modules/*/ examples/*/))
TEMPLATES := $(wildcard packages/platform-cli/src/platform_cli/templates/*)

.DEFAULT_GOAL := help
.PHONY: help setup run migrate-up migrate-down migrate-status migrate-create lint type contracts pins \
	docs test test-quick test-unit test-impl test-containers test-executors torture templates bench bench-quick conformance-s3 mutants mutants-check audit test-alone \
	check-pythons smoke check build lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install everything into .venv
	uv sync

# --- the platform ---

run: ## run a module on local infrastructure: make run module=batch_etl args="--date 2026-01-15 ..."
	uv run platform run "$(module)" --env local $(args)

migrate-up: ## apply all pending migrations to the local PostgreSQL
	uv run platform migrate up --db postgres --env local

migrate-down: ## roll back the last migration
	uv run platform migrate down --db postgres --env local

migrate-status: ## show which migrations are applied
	uv run platform migrate status --db postgres --env local

migrate-create: export MIGRATION_NAME = $(value name)
migrate-create: ## make a migration file: make migrate-create name="add users"
	@# Through the environment, so that no character of the name means anything to the shell.
	uv run platform migrate create --db postgres --env local -- "$$MIGRATION_NAME"

# --- the checks ---

lint: ## ruff: rules and format; words, docstrings and sizes
	@uv run ruff check --quiet
	@uv run ruff format --check --quiet
	@uv run python tools/check_language.py

type: ## mypy, strict, one member at a time: their test files share names
	@for member in $(MEMBERS); do \
		uv run mypy --no-error-summary --exclude /templates/ $$member/src $$member/tests || exit 1; \
	done
	@for template in $(TEMPLATES); do \
		(cd $$template && MYPYPATH=src uv run --project $(CURDIR) mypy --no-error-summary \
			--config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache \
			--explicit-package-bases src tests) || exit 1; \
	done
	@uv run mypy --no-error-summary

contracts: ## who may import whom, the fences of the workspace, the bounds of what is installed
	@uv run lint-imports --no-logo
	@uv run python tools/check_workspace.py
	@uv run sh -c 'uv pip check --python "$$VIRTUAL_ENV"'

docs: ## the site, in build/docs: a link, an anchor or a page that leads nowhere fails it
	@uv run --group docs python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going --conf-dir docs . build/docs
	@echo "the site begins at build/docs/index.html"

pins: ## a fresh lock has exactly the pinned versions
	@uv run python tools/pins.py check

test: ## all tests
	uv run pytest

test-quick: ## to run on each change: the tests of packages and modules that need no PostgreSQL server
	uv run pytest --quiet -n 3 --dist worksteal -m "not server" packages modules

test-unit: ## the tests of the modules, in memory
	uv run pytest modules/ -v --tb=short

test-impl: ## the tests of the implementations, on a real PostgreSQL and a real disk
	uv run pytest tests/integration/ -v --tb=short

test-containers: ## the image, compose.yaml and a PostgreSQL in a container; skipped where no container engine answers
	uv run --group containers pytest tests/containers -v -rs --tb=short

test-executors: ## a hundred killed workers on each executor, and killed runs and schedulers: some minutes
	TORTURE_KILLS=$${TORTURE_KILLS:-100} uv run pytest -s -n0 -o faulthandler_timeout=0 tests/torture/test_executors.py

torture: ## hundreds of kills at random times, and all else that takes long: make torture TORTURE_KILLS=300
	TORTURE_KILLS=$${TORTURE_KILLS:-300} TORTURE_ROUNDS=20 TORTURE_DATES=30 HYPOTHESIS_PROFILE=torture uv run pytest -s -o faulthandler_timeout=0 tests/torture tests/property

bench: ## the load beside other ways to do it, a quarter of an hour: make bench args="rerun start", or args=all
	@uv run python -m tools.bench $(args)

bench-quick: ## the same with 100,000 lines, in a minute
	@uv run python -m tools.bench contenders --lines 100000 --dlt-rounds 1 $(args)

templates: ## make a module for each set of interfaces and each adapter, and check them: some minutes
	uv run python tools/try_templates.py $(args)

conformance-s3: ## the file system contract on Ceph's S3 gateway, where Debian's radosgw, ceph-mon and ceph-osd are installed
	@uv run python tools/conformance_s3.py $(args)

mutants: ## break the code in many ways, and see that the tests notice each: make mutants args="postgres"
	uv run python tools/mutate.py $(args)

mutants-check: ## each of those mutants still finds the text that it replaces
	@uv run python tools/mutate.py --check

test-alone: ## the tests of each member with nothing installed but what it declares
	@for member in $(MEMBERS); do \
		echo $$member && (cd $$member && uv run --quiet --isolated pytest --quiet) || exit 1; \
	done

check-pythons: ## the whole suite on each Python that is installed, each in an environment of its own
	@for version in 3.11 3.12 3.13 3.14; do \
		for python in $$(command -v python$$version) "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python; do \
			"$$python" -c '' 2>/dev/null && break; python=; \
		done; \
		test -n "$$python" || { echo "--- Python $$version is not installed: left out"; continue; }; \
		echo "--- Python $$version: $$python" && UV_PYTHON="$$python" UV_PYTHON_DOWNLOADS=never \
			UV_PROJECT_ENVIRONMENT=".venv-$$version" uv run --quiet pytest --quiet || exit 1; \
	done

audit: ## known vulnerabilities of what is installed; asks a public service, so it is not a part of check
	uv audit

smoke: ## the job runs from the built wheels, which bring no more than it needs
	@uv run python tools/smoke_wheels.py

check: ## all that has to hold before a change goes in
	@for target in lint type contracts pins mutants-check docs test-alone test smoke; do \
		echo "--- $$target" && $(MAKE) --no-print-directory $$target || exit 1; \
	done

# --- releases ---

build: ## wheels and source distributions of all members, in dist/
	uv build --all-packages --out-dir dist

lock: ## upgrade what is not ours, and pin it
	uv run --no-project --python '>=3.11' python tools/pins.py write
	uv lock

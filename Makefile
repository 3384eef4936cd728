# Everything runs in .venv, which is made from nothing and made anew when pyproject.toml changes.
PYTHON ?= python3
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
ARGS ?=
PORT ?= 8000
FACTS ?= 10000

.PHONY: help demo test test-all gauntlet gauntlet-short history effects mutants fuzz bench screenshots docs messages lint format wheel clean
.DEFAULT_GOAL := help

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

.venv/.ready: pyproject.toml
	@echo "Making the environment in .venv (once)."
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq --group dev --group matrix --editable '.[postgres,redis]'
	@$(BIN)/python -m pip install -qq --editable '.[mariadb]' >.venv/mariadb.log 2>&1 \
		|| echo "MariaDB is left out: mysqlclient cannot be built here (see .venv/mariadb.log). It needs gcc," \
			"pkg-config, python3-dev and libmariadb-dev; after installing them: make clean."
	@touch $@

demo: .venv/.ready ## seed 10,000 facts, sell 100 tickets to 300 buyers, check all, announce, serve (SERVE=0: do not)
ifneq ($(SERVE),0)
	@$(BIN)/python -m demo_project.showcase.port $(PORT)
endif
	@echo "Migrating the database: $(if $(DATABASE_URL),the one in DATABASE_URL,SQLite in db.sqlite3)."
	@$(MANAGE) migrate --verbosity 0
# Nobody is nudged by what only records: a process that ends with its last fact would end in the middle of a
# message. A relay publishes what they leave.
ifneq ($(FACTS),0)
	@echo "Seeding: what may have happened before, $(FACTS) facts of all contexts."
	@DEBUG=0 FACTOS_CELERY_NUDGE=false $(MANAGE) seed_demo --facts $(FACTS)
endif
	@echo "Selling 100 tickets of gleamconf-2026 to 300 buyers, 16 at a time."
# SQLite's lock goes to whoever asks first when it is free: on a busy machine one of 16 may wait long.
	@DEBUG=0 FACTOS_LOCK_TIMEOUT_SECONDS=60 FACTOS_CELERY_NUDGE=false $(MANAGE) sell_tickets --conference gleamconf-2026 \
		--capacity 100 --attempts 300 --concurrency 16
	@echo "Following the log, once, and checking the rows that the facts and the followers wrote."
	@DEBUG=0 $(MANAGE) run_projections --once
	@DEBUG=0 $(MANAGE) rebuild_projections --all --check
	@echo "Computing all projections again from the facts."
	@DEBUG=0 $(MANAGE) rebuild_projections --all --no-input
	@echo "Announcing the tickets: a Celery worker and a relay, with messages $(if $(CELERY_BROKER_URL),by the\
		broker in CELERY_BROKER_URL,in files)."
	@DEBUG=0 $(MANAGE) announce_sales
# The shell is asked before the first line of this recipe runs: that is when the demo begins.
	@DEBUG=0 $(MANAGE) sum_up_demo --since $(shell date +%s)
ifneq ($(SERVE),0)
	@$(MANAGE) serve_demo --end-with-parent --port $(PORT) $(ARGS)
endif

test: .venv/.ready ## run the tests (ARGS="-k guard" is handed to pytest)
	@$(BIN)/pytest -n 4 --dist loadgroup $(ARGS)

test-all: .venv/.ready ## run them in every cell of the matrix (CELL=py313-django61: in that one; ARGS as in test)
	@$(BIN)/python -m tests.matrix $(CELL) -- $(ARGS)

gauntlet: .venv/.ready ## every fault on every database, in an hour, and write docs/reliability.md (SEED=...)
	@$(BIN)/python -m tests.gauntlet --write $(if $(SEED),--seed $(SEED)) $(ARGS)

gauntlet-short: .venv/.ready ## ten minutes of it, without the page
	@$(BIN)/python -m tests.gauntlet --short $(if $(SEED),--seed $(SEED)) $(ARGS)

history: .venv/.ready ## many processes on every database, judged by what they recorded (SEED=...)
	@$(BIN)/python -m tests.history $(if $(SEED),--seed $(SEED)) $(ARGS)

effects: .venv/.ready ## real workers and brokers, struck in the midst: nothing is lost, a table of it (SEED=...)
	@$(BIN)/python -m tests.effects.effect_run $(if $(SEED),--seed $(SEED)) $(ARGS)

mutants: .venv/.ready ## prove that such runs find the mistakes that are easily made (SEED=...)
	@$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: .venv/.ready ## ask the REST API whatever its description allows, on every database (SEEDS=1,2)
	@$(BIN)/python -m tests.rest.fuzz $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

bench: .venv/.ready ## measure speed beside a peer and bare psycopg, and write docs/performance.md
	@$(BIN)/python -m pip install -qq --group bench
	@$(BIN)/python -m tests.benchmarks --write $(ARGS)

screenshots: .venv/.ready ## walk through the admin and the demo, and write docs/images
	@FACTOS_SCREENSHOTS=1 $(BIN)/pytest -q tests/admin/test_stories.py tests/demo/test_window.py $(ARGS)

docs: .venv/.ready ## build the pages of docs/ into docs/_build/html; a warning is an error
	@$(BIN)/sphinx-build -W --keep-going -q -b html -d docs/_build/doctrees docs docs/_build/html $(ARGS)
	@echo "Open docs/_build/html/index.html."

messages: .venv/.ready ## gather the words of the app for its translators, and compile what they wrote (needs gettext)
	@cd factos_django && ../$(BIN)/django-admin makemessages --all --no-location --no-wrap
	@cd factos_django && ../$(BIN)/django-admin compilemessages

lint: .venv/.ready ## ruff, mypy, import-linter, missing migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	DATABASE_URL=sqlite://:memory: $(MANAGE) makemigrations --check --dry-run

format: .venv/.ready ## format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

wheel: .venv/.ready ## build the sdist, and the wheel from it, into dist/, and look at them as an index would
	@rm -rf dist
	@$(BIN)/python -m build
	@$(BIN)/twine check --strict dist/*

clean: ## remove the environments, what was built, and the demo's database
	rm -rf .venv .tox dist docs/_build db.sqlite3* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

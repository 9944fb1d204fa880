# make run    start LeadCRM on this machine, nothing else needed but Python 3.11+
# make test   everything that must be green before a change is merged
PORT ?= 8000
HOST ?= 127.0.0.1
SYSTEM_PYTHON ?= python3
PYTEST_ARGS ?=
BROWSER_TESTS = tests/browser

PYTHON = .venv/bin/python
# Checks that need settings but no servers.
OFFLINE = env DATABASE_URL=postgres://offline@127.0.0.1:1/offline REDIS_URL=redis://127.0.0.1:1/0 \
	EMAIL_URL=smtp://127.0.0.1:1 SECRET_KEY=offline-checks-only-0123456789-abcdefghijklmnopqrstuvwxyz \
	DJANGO_SETTINGS_MODULE=leadcrm.settings
PRODUCTION = $(OFFLINE) DEBUG=0 LEADCRM_DEMO=0 SITE_URL=https://crm.example.com \
	ALLOWED_HOSTS=crm.example.com TRUSTED_PROXIES=1
PACKAGES = leadcrm leads scoring nurturing pipeline

.DEFAULT_GOAL := help
.PHONY: help venv venv-dev run test lint format types contracts templates migrations deploy-check \
	schema unit browser pytest chromium bench lock clean reset

help:
	@echo "make run [PORT=8000]  start LeadCRM: web, worker, beat and the servers they need"
	@echo "make test             all checks and all tests"
	@echo "make lint types unit browser schema migrations  single steps of make test"
	@echo "make format           format and fix what can be fixed"
	@echo "make bench            benchmarks"
	@echo "make lock             re-pin dependencies after a change of pyproject.toml (needs uv)"
	@echo "make clean            remove .venv and caches;  make reset: delete all data in var/"

venv:
	@$(SYSTEM_PYTHON) .ci/venv.py

venv-dev:
	@$(SYSTEM_PYTHON) .ci/venv.py --dev

run: venv
	@$(PYTHON) -m leadcrm.run --host $(HOST) --port $(PORT)

test: venv-dev chromium
	@$(MAKE) --no-print-directory lint types contracts templates migrations deploy-check schema pytest

lint: venv-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

format: venv-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

types: venv-dev
	$(OFFLINE) .venv/bin/mypy

contracts: venv-dev
	$(OFFLINE) .venv/bin/lint-imports

templates: venv-dev
	.venv/bin/djlint --lint --quiet templates

migrations: venv-dev
	$(PYTHON) -m tests.servers $(PYTHON) manage.py makemigrations --check --dry-run

deploy-check: venv-dev
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING

schema: venv-dev
	$(OFFLINE) $(PYTHON) manage.py spectacular --validate --fail-on-warn --file /dev/null

pytest: venv-dev chromium
	$(PYTHON) -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

unit: venv-dev
	$(PYTHON) -m pytest -n 2 --dist loadgroup --ignore=$(BROWSER_TESTS) $(PYTEST_ARGS)

browser: venv-dev chromium
	$(PYTHON) -m pytest $(BROWSER_TESTS) $(PYTEST_ARGS)

chromium: venv-dev
	@$(PYTHON) -m tests.chromium

bench: venv-dev
	$(PYTHON) -m benchmarks $(BENCH_ARGS)

lock:
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		pyproject.toml -o requirements.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		--extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:
	rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: venv
	@$(PYTHON) -m leadcrm.run --reset

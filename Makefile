# Thin on purpose: what these do lies in deploy/bootstrap and in the `relato` command.
.PHONY: up down test test-notes test-services test-operating test-product test-pages test-rules lint faults runbook bench audit
MEMBERS = contracts services/runtime services/notes services/notifier services/history-projector services/portal-query deploy

up:
	@deploy/bootstrap && .venv/bin/relato up

down:
	@deploy/bootstrap && .venv/bin/relato down

# Three processes at a time, each with servers of its own, since tests mostly wait; all are read to their end.
test:
	@deploy/bootstrap && deploy/test-programs
	@$(MAKE) --no-print-directory --keep-going --jobs=3 test-pages test-product test-services test-operating test-notes test-rules

# Groups that take about as long as each other: pages in a browser; what runs the whole product, in one stack
# that its tests share; what operators do, with the history that they rebuild; notes; the other services; and the
# rest, which takes the shortest and begins last.
NOTES = tests/integration/notes
OPERATING = $(addprefix tests/integration/,deploy history_projector relato runtime stack)
SERVICES = $(filter-out $(NOTES) $(OPERATING) %/__init__.py %/__pycache__,$(wildcard tests/integration/*))
PRODUCT = tests/e2e tests/faults
PAGES = tests/browser

test-notes:
	@.venv/bin/python -m pytest $(NOTES)

test-services:
	@.venv/bin/python -m pytest $(SERVICES)

test-operating:
	@.venv/bin/python -m pytest $(OPERATING)

test-product:
	@.venv/bin/python -m pytest $(PRODUCT)

test-pages:
	@.venv/bin/python -m pytest $(PAGES)

test-rules:
	@.venv/bin/python -m pytest tests $(patsubst %,--ignore=%,tests/integration $(PRODUCT) $(PAGES) tests/runbook)

faults:
	@deploy/bootstrap && .venv/bin/python -m tests.faults

# Breaks a stack of its own in the ways of deploy/RUNBOOK.md and types its commands: minutes, so not part of test.
runbook:
	@deploy/bootstrap && .venv/bin/python -m pytest tests/runbook

lint:
	@deploy/bootstrap && .venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy --strict $(MEMBERS) tests
	@.venv/bin/lint-imports && .venv/bin/python -m relato_contracts.generate --check
	@deploy/check-scripts

bench:
	@deploy/bootstrap bench && .venv/bin/python -m tests.bench

# Asks osv.dev about what uv.lock names, so it needs the network.
audit:
	@deploy/bootstrap && "$${RELATO_HOME:-.relato}/tools/bin/uv" --preview-features audit-command audit --locked

# Thin on purpose: what these do lies in deploy/bootstrap and in the `relato` command.
.PHONY: up down test test-notes test-portal test-operating test-product test-pages test-rules lint faults runbook bench audit
MEMBERS = contracts services/runtime services/notes services/notifier services/history-projector services/portal-query deploy

up:
	@deploy/bootstrap && .venv/bin/relato up

down:
	@deploy/bootstrap && .venv/bin/relato down

# Three processes at a time, each with servers of its own, since tests mostly wait; all are read to their end.
test:
	@deploy/bootstrap && deploy/test-programs
	@$(MAKE) --no-print-directory --keep-going --jobs=3 test-pages test-product test-operating test-notes test-rules test-portal

# Groups that take about as long as each other: pages in a browser; what runs the whole product, in one stack
# that its tests share; what operators do, with the history that they rebuild; notes; what needs no server, and
# mails; the portal, what all services share, and what proves the log.
PROOF = $(addprefix tests/integration/notes/test_,chain.py forging.py heads.py proofs.py)
NOTES = $(filter-out $(PROOF),$(wildcard tests/integration/notes/test_*.py))
OPERATING = $(addprefix tests/integration/,history_projector relato)
PORTAL = $(addprefix tests/integration/,deploy portal_query runtime stack) $(PROOF)
PRODUCT = tests/e2e tests/faults
PAGES = tests/browser

test-notes:
	@.venv/bin/python -m pytest $(NOTES)

test-operating:
	@.venv/bin/python -m pytest $(OPERATING)

test-portal:
	@.venv/bin/python -m pytest $(PORTAL)

test-product:
	@.venv/bin/python -m pytest $(PRODUCT)

test-pages:
	@.venv/bin/python -m pytest $(PAGES)

test-rules:
	@.venv/bin/python -m pytest tests $(addprefix --ignore=,$(NOTES) $(OPERATING) $(PORTAL) $(PRODUCT) $(PAGES) tests/runbook)

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

# Thin on purpose: what these do lies in deploy/bootstrap and in the `relato` command.
.PHONY: up down test lint faults bench audit
MEMBERS = contracts services/runtime services/notes services/notifier services/history-projector services/portal-query deploy

up:
	@deploy/bootstrap && .venv/bin/relato up

down:
	@deploy/bootstrap && .venv/bin/relato down

test:
	@deploy/bootstrap && deploy/browser && .venv/bin/python -m pytest

faults:
	@deploy/bootstrap && .venv/bin/python -m tests.faults

lint:
	@deploy/bootstrap && .venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy --strict $(MEMBERS) tests
	@.venv/bin/lint-imports && .venv/bin/python -m relato_contracts.generate --check
	@deploy/check-scripts

bench:
	@deploy/bootstrap bench && .venv/bin/python -m tests.bench

# Asks osv.dev about what uv.lock names, so it needs the network.
audit:
	@deploy/bootstrap && "$${RELATO_HOME:-.relato}/tools/bin/uv" --preview-features audit-command audit --locked

# The two commands a fresh machine needs: make demo, make test. Everything goes into .venv and demo.sqlite3.

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-reset test lint screenshots clean

# Made anew when the dependencies change.
$(VENV)/.test: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

# The mails' links lead there. PayPal's double, on the next two ports, ends with the demo.
demo: export WAGTAILADMIN_BASE_URL = http://localhost:$(PORT)
demo: $(VENV)/.test
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py load_demo
	@if test -z "$$PAYPAL_CLIENT_ID" && $(BIN)/python manage.py paypal_double $(PORT) --check; then \
		ready="$${PAYPAL_DOUBLE_DIR:-var/paypal}/ca.pem"; rm -f "$$ready"; \
		$(BIN)/python manage.py paypal_double $(PORT) & \
		while kill -0 $$! 2>/dev/null && ! test -e "$$ready"; do sleep 0.1; done; \
		kill -0 $$! 2>/dev/null && export PAYPAL_DOUBLE=$$(($(PORT) + 1)); \
	fi; \
	exec $(BIN)/python manage.py runserver $(PORT)

demo-reset:
	rm -rf demo.sqlite3 demo.sqlite3-wal demo.sqlite3-shm var
	$(MAKE) demo

test: $(VENV)/.test
	$(BIN)/python -m pytest --ignore=tests/browser

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/python manage.py makemigrations --check

# The pictures in docs/images; needs Chromium on the path.
screenshots: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf .venv* build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

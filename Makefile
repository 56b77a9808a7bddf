# Everything a newcomer types. Each goal makes the virtual environment first if it is missing or out of date;
# what the engine needs beside it (PostgreSQL, a Temporal server) is prepared by `local/` when first used.
VENV := .venv
READY := $(VENV)/.ready
PYTHON ?= python3
RUN := $(VENV)/bin

.PHONY: demo test test-compose soak golden mutants audit cases bench tour jobs acts-doc lint lock
.DEFAULT_GOAL := demo

demo: $(READY)
	@$(RUN)/thidua demo

test: $(READY)
	@sh tools/test.sh

# A quarter of an hour, as root with Debian's docker.io: brings docker-compose.yml up, kills and restarts its parts, backs up and restores.
test-compose: $(READY)
	@PYTHONPATH=. $(RUN)/python tools/compose_trial.py

# Minutes: every bad value in every place of every route, every costly page on its largest input, longer supervision.
soak: $(READY)
	@sh tools/soak.sh

# A minute: keeps what is decided in every case, after a change that CONTRIBUTING.md allows; see tests/golden.py.
golden: $(READY)
	@PYTHONPATH=. $(RUN)/python tests/golden.py

# The better part of an hour: 400 changes of the domain at random, one at a time; those that no test of the law notices are listed.
mutants: $(READY)
	@sh tools/mutants.sh

# A minute: known vulnerabilities, licences, abandoned packages; writes the SBOM into the folder of logs. Error 1: a fault;
# error 3: something could not be checked.
audit: $(READY)
	@sh tools/audit.sh

cases: $(READY)
	@$(RUN)/python -m cli.cases

bench: $(READY)
	@$(RUN)/python -m bench

tour: $(READY)
	@$(RUN)/python tools/tour.py

# A minute: what the common jobs cost in pages, clicks and keys, counted in a browser.
jobs: $(READY)
	@$(RUN)/python tools/jobs.py

acts-doc: $(READY)
	@$(RUN)/python tools/acts_doc.py

lint: $(READY)
	@sh tools/lint.sh

lock: $(READY)
	@$(VENV)/uv/bin/uv pip compile --universal --generate-hashes --no-header --python-version 3.11 \
		--extra dev --upgrade --quiet pyproject.toml --output-file requirements.lock

$(READY): requirements.lock pyproject.toml tools/setup.sh $(wildcard i18n/catalogues/*.po)
	@PYTHON=$(PYTHON) VENV=$(VENV) sh tools/setup.sh
	@touch $@

PYTHON ?= python3
HOST = 0.0.0.0
PORT ?= 8000
ROW ?= generated
COUNT ?=

RIVALS = bentoml litserve mlserver mosec

SERVING = .venv/.serving
DEVELOPMENT = .venv/.development

.PHONY: serve test torture check sbom train bench bench-rivals bench-steps lock clean help

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(SERVING) ## Serve on port 8000 (HOST= and PORT= override)
	exec .venv/bin/python -m service --host $(HOST) --port $(PORT)

test: $(DEVELOPMENT) ## Run every test but those that take hours or a Ray cluster
	.venv/bin/python -m pytest

torture: $(DEVELOPMENT) ## Run one row of docs/reliability.md for long (ROW= and COUNT= choose), and add what it saw there
	.venv/bin/python -m tests.torture $(ROW) $(COUNT)

check: sbom ## Lint, formatting, types, the Dockerfile, and known vulnerabilities where the index can be asked
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/hadolint Dockerfile
	.venv/bin/python .ci/audit.py

sbom: $(DEVELOPMENT) ## Write build/lenet5.cdx.json: what is in the image, in CycloneDX
	mkdir -p build
	.venv/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible \
		--output-file build/lenet5.cdx.json 2>/dev/null

train: $(DEVELOPMENT) ## Make model/artifacts again from the original MNIST bytes and what is drawn beside them
	.venv/bin/python -m training --recipe best

bench: $(DEVELOPMENT) ## Measure what a request costs, beside a bare server; needs wrk, two cores and some minutes
	.venv/bin/python -m benchmarks

bench-rivals: $(DEVELOPMENT) $(RIVALS:%=build/rivals/%/.installed) ## The same beside other serving frameworks
	.venv/bin/python -m benchmarks --rivals

bench-steps: $(DEVELOPMENT) ## Measure where the microseconds of a request go, and draw docs/request.png and docs/flame.svg
	.venv/bin/python -m benchmarks.steps
	.venv/bin/python -m benchmarks.flame docs/flame.svg

lock: $(DEVELOPMENT) ## Pin what serving needs, for every platform, with hashes
	.venv/bin/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade --output-file requirements.lock
	.venv/bin/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade --extra cli --extra parquet --constraint requirements.lock --output-file requirements-bulk.lock

clean: ## Remove the environment and every cache
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# A stamp stands for an environment that is whole. Whoever finds none makes the environment anew, so that one that was
# cut short, or belongs to another lock, is never taken for good.
$(SERVING): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'make: Python 3.11 or newer is needed; name it with PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $(SERVING)

$(DEVELOPMENT): pyproject.toml $(SERVING)
	@rm $(SERVING)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[cli,parquet,plots,otel,train,dev]'
	@touch $(SERVING) $(DEVELOPMENT)

build/rivals/%/.installed: benchmarks/rivals/%/requirements.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

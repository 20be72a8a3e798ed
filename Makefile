# make install  only create .venv and install into it
# make run   train 3D PersonVLAD on the synthetic twin of MARS and print its row; in portable arithmetic, so that every
#            x86-64 processor with AVX2 prints the committed row
# make test  lint, type-check and run every test; less than 97 % coverage of harness/ is an error
# make quick lint, type-check and run what takes no training, no rendering, no compiler and no process of its own
# make docs  build the documentation as a site in build/site: open build/site/index.html; a broken link is an error
# make gpu   on a machine with an NVIDIA GPU (compute capability 8.0 or more, 16 GB free) and its driver: build the CUDA
#            kernels, test them, look for races and time them. torch has to be a CUDA build (see TORCH); nvcc comes from the
#            PATH or from the extra `nvcc`, compute-sanitizer from the PATH
#
# All create .venv and install into it first; repeating them is quick.
#
# PYTEST_ARGS: what pytest is given besides, for instance the files to test.
#
# TORCH: which torch to install, as pip would take it. The default is the version in constraints.txt from the
# index pip is set up with (on most machines a CUDA build). `make run TORCH="torch==2.13.0 --index-url URL"`
# takes another build or version; the choice is made once, when .venv is created.

PYTHON ?= python3
TORCH ?= torch -c constraints.txt
VENV := .venv
BIN := $(VENV)/bin
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=
COMMA := ,

.PHONY: install run test quick docs all-tests quick-tests lint types bench gpu races weights clean

install: $(VENV)/installed

run: $(VENV)/installed
	$(BIN)/vreid-bench run --plugin personvlad --protocol mars --threads 1

# One thread a worker: two workers with two threads each would spend their time waiting for each other. Compiled modules
# are kept, as the tests start many processes.
PYTEST := pytest -n $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)
TESTS := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m

# mypy beside the tests, as it has one thread.
test: lint
	@$(MAKE) --no-print-directory --jobs=2 types all-tests

quick: lint
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types quick-tests

# SlipCover takes a line's probe away when it was run: a tracer (`coverage` before Python 3.12) follows every line of every
# library as well, and doubles what tests take. The second command prints and judges what the workers found together.
all-tests: $(VENV)/installed
	@mkdir -p build
	$(TESTS) slipcover --source harness/vreid_bench --json --out build/coverage.json -m $(PYTEST)
	$(BIN)/python -m slipcover --merge build/coverage.json --out build/coverage.json --skip-covered --fail-under 97 \
		|| { echo 'fewer than 97 % of the lines of harness/ were run' >&2; exit 1; }

quick-tests: $(VENV)/installed
	$(TESTS) $(PYTEST) -m 'not slow'

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

# The variable leaves out an announcement of MkDocs' next version.
docs: $(VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Peers are timed on the same machine in the same run; build/bench.json keeps every ratio.
bench: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]' --no-build-isolation
	$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -s

# Its timings go to leaderboard/kernels/<gpu>.json. The kernels are built again, as the extra `nvcc` may have come after
# they were first built.
gpu: $(VENV)/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -m pytest tests/gpu
	$(MAKE) races
	$(BIN)/python -m pytest tests/gpu -o python_files='bench_*.py' -s

# Of our kernels alone, and with every tensor in memory of its own, so that one read past its end is seen.
SANITIZER := PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --error-exitcode 1 --report-api-errors no \
	--kernel-regex kns=clip_

races: $(VENV)/installed
	@if command -v compute-sanitizer >/dev/null; then set -ex; \
		for tool in racecheck memcheck; do $(SANITIZER) --tool $$tool $(BIN)/python -m pytest tests/gpu -m small; done; \
	else echo 'compute-sanitizer is not on the PATH (it comes with the CUDA toolkit): races and stray accesses were not looked for' >&2; fi

# The weights that the package ships for the small encoders: a method, and the file for its encoder. 640 people are
# rendered and each encoder trained for 2,000 steps, three to ten minutes of a core; every x86-64 processor makes the same.
SHIPPED := mean-pooling/resnet-small clip-average/i3d-small personvlad/c3d-small 3d-cnn/resnet3d-small tacan-senet/senet-small ica-alexnet/alexnet-small frame-cnn/vgg16-small ica-inception-v3/inception-v3-small

weights: $(addprefix weights/,$(SHIPPED))

weights/%: $(VENV)/installed
	set -- $(subst /, ,$*); $(BIN)/vreid-bench pretrain $$1 --arithmetic portable --runs build/weights \
		--out plugins/vreid_plugins/weights/$$2.safetensors

clean:
	rm -rf $(VENV) build

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo 'vreid-bench needs Python 3.11 or newer with its venv module: install it (Debian: apt-get install python3-venv), or name another Python with PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The metadata of an editable install (entry points) and the native kernels are made when it is installed: again when
# what they are made from changes.
$(VENV)/torch: | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	@touch $@

$(VENV)/installed: pyproject.toml setup.py constraints.txt $(wildcard csrc/*/* csrc/*/*/*) $(VENV)/torch
	$(BIN)/pip install --quiet --disable-pip-version-check 'setuptools>=77' 'pybind11>=2.13' 'ninja>=1.11'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test,browser,docs,figures,flow,imagenet,onnx,parquet,ray,sass,slurm,tensorboard$(if $(shell command -v nvcc),,$(COMMA)nvcc)]'
	@touch $@

# Every step is a target; plain `make` prints them. Settings are make variables: make train-rcnn SPLIT=clip ITERS=1500
.DEFAULT_GOAL := help
SHELL := /bin/bash
# Each step reads what the one before it wrote, also under an exported MAKEFLAGS=-j4
.NOTPARALLEL:

# --- settings -------------------------------------------------------------------------------------------------------
# What names LMDBs and runs, and how far and where a run is trained: tools/settings.py says what each is
SETTINGS := NET SPLIT FOLD DTYPE SEED BANDS N_BANDS WINDOW HOP FRAMES_A_CLIP CLIPS_A_SONG SONG_FRAMES LSTM_WINDOW LSTM_HOP \
  LSTM_FRAMES_A_CLIP LSTM_CLIPS_A_SONG OVERLAP MASKED_COPIES LEVEL_COPIES BALANCED BATCH BASE_LR LR_STEPS DROPOUT INPUT_SCALE POOLING \
  BATCH_NORM NEURONS WEIGHTS GENRES ITERS RANKS GPU HOSTS CAFFE JOBS BUILD
# What one target alone has
OPTIONS := ITERATION THRESHOLD RUN MODEL TEST SONG CSV PNG JSON SONGS CORES SCALE PLAN HOST PORT SET KILLS KEEP ONLY NETS \
  ROUNDS GROWTH MINUTES IMAGE
# What names a file or a folder: tools/runtime/run shows it to the sandbox
PATHS := GTZAN TEST RUN MODEL WEIGHTS SONG KEEP HOSTS BUILD PNG CSV
# Where everything made lies
BUILD ?= build
# GTZAN=DIR: a folder per genre; DATA=DIR or FILE.csv says the same of other music; without either, synthetic songs
ifeq ($(origin DATA),command line)
ifneq ($(value DATA),)
ifeq ($(origin GTZAN)$(if $(value GTZAN),,none),command line)
$(error DATA= and GTZAN= both name the songs: give one of them)
endif
override GTZAN := $(value DATA)
endif
endif
GTZAN ?=
DOCKER ?= docker
IMAGE ?= music-caffe
# In `make lmdb train-lstm vote` the clips vote by the LSTM
one_net := train-rcnn/rcnn train-complex/complex_cnn train-simple/simple_cnn train-lstm/lstm train-song/song_cnn
asked_net := $(filter $(MAKECMDGOALS:%=%/%),$(one_net))
ifeq ($(words $(asked_net))$(value NET)$(value RUN)$(value MODEL),1)
vote vote-folds classify serve: override NET := $(notdir $(asked_net))
endif
export_too := REMOTE_SHELL GTZAN_URL DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR OPENBLAS_CORETYPE

# A mistyped name would be passed over: ITER=500 would train to the end
known := $(SETTINGS) $(OPTIONS) $(export_too) GTZAN DATA READ WRITE SECONDS DOCKER PIP_INDEX_URL %_PROXY %_proxy MAKEFLAGS SHELL
typed := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
$(foreach name,$(filter-out $(known),$(typed)),$(error $(name)= is no setting: make and tools/README.md list them; \
  what is meant for another program stands before make))
# GNU screen exports a WINDOW and tcsh a HOST of their own
$(foreach name,$(if $(STY),WINDOW) $(if $(VENDOR),HOST),$(if $(filter environment,$(origin $(name))),$(eval override $(name) :=)))

# MODEL is a second name of RUN
ifneq ($(value MODEL),)
ifneq ($(value RUN),)
$(error RUN= and MODEL= both name the run: give one of them)
endif
ifeq ($(origin MODEL),command line)
override RUN := $(value MODEL)
override MODEL :=
endif
endif

# What the user typed is taken as it stands: a $ in it means nothing to make. Recipes get it from their environment.
# Of a path alone a ~ at its beginning is the home folder: dash and zsh leave it there in DATA=~/Music.
at_home = $(if $(and $(value HOME),$(filter <>~ <>~/%,$(firstword <>$(1)))),$(subst <>~,$(value HOME),<>$(1)),$(1))
$(foreach name,$(SETTINGS) $(OPTIONS) GTZAN,$(eval override $(name) := $$(value $(name))))
$(foreach name,$(PATHS),$(eval override $(name) := $$(call at_home,$$(value $(name)))))
export $(SETTINGS) $(OPTIONS) GTZAN
export $(export_too)
# option NAME: --name "$NAME" where NAME is set
option = $${$(1):+--$(shell tr A-Z_ a-z- <<<$(1)) "$$$(1)"}
settings := $(shell for name in $(SETTINGS); do tr A-Z_ a-z- <<<$$name | sed 's/.*/$${'$$name':+--& "$$'$$name'"}/'; done)
# GTZAN=DIR as the songs that something has to be of, or to be made of
named_songs = $${GTZAN:+--data "$$GTZAN"}
songs = "$${GTZAN:-$$BUILD/synthetic/genres}"
model = $(call option,RUN) $(call option,MODEL) $(call option,ITERATION) $(settings)
# no_settings WHY: settings beside what has its own are refused, as the tools that know settings refuse them themselves
no_settings = for name in $(filter-out BUILD CAFFE GPU JOBS,$(SETTINGS)); do \
  [ -z "$${!name}" ] || { echo "$@: $$name= $(1): leave it out" >&2; exit 2; }; done

IN := tools/runtime/run
PYTHON := $(IN) python3 -m

# No target is a file
.PHONY: $(shell sed -n 's/^\([a-z -]*\):\([^=].*\)*$$/\1/p' Makefile)

# A rule with a line behind ## is listed by the first of its targets
help:
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "%s%s\n", blank, substr($$0, 5); blank = "\n"} \
	  /^[a-z -]+:.*## / {split($$1, names, " "); printf "  make %-11s %s\n", names[1], $$2}' Makefile
	@echo; echo "Settings: DATA=DIR|FILE.csv GTZAN=DIR NET= SPLIT=song FOLD=0..4 ITERS= SEED= BATCH= DROPOUT= RANKS="
	@echo "          and more, with what each may be: tools/README.md"

##@ Start here
demo: ## everything once, small: synthetic songs, LMDBs, a short RCNN training, votes
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= DATA= SPLIT=song FOLD=0 lmdb
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= DATA= SPLIT=song FOLD=0 train-rcnn ITERS="$${ITERS:-150}"
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= DATA= SPLIT=song FOLD=0 NET=rcnn vote
	@echo; echo 'This was a minute of training on music made by a program. Next:'
	@echo '  make serve BUILD=build/demo          a page to drop, record and hear songs on, with this network'
	@echo '  make classify SONG="my song.mp3"     the genre of a song of yours, with a picture'
	@echo '  make data                            100 genuine songs of GTZAN, to train on'

test: ## set up what is missing, with a browser for the pages, then run every test
	@tools/runtime/setup --tests
	@$(MAKE) --no-print-directory lint
	@tests/small_disk $(PYTHON) pytest -q -n 2 --dist loadgroup
	@tests/sandbox
	@tests/bench/twins
	@tests/two_hosts

##@ The pipeline
setup: ## BVLC Caffe and its Python packages, in .caffe/; CAFFE=native: a faster one too
	@tools/runtime/setup
	@$(if $(filter setup-0,$(MAKECMDGOALS:%=%-$(MAKELEVEL))),echo "Caffe is set up: make health says which it is")

data: setup ## download GTZAN: SET=mini (100 songs) or SET=all (1000)
	@$(IN) --network python3 -m tools.songs.download "$${SET:-mini}"

check-data: setup ## what is in DATA=DIR|FILE.csv or GTZAN=DIR, and what is wrong with it
	@[ -n "$$GTZAN" ] || { echo 'check-data: which songs? make check-data DATA=DIR, or DATA=FILE.csv' >&2; exit 2; }; \
	$(PYTHON) tools.songs "$$GTZAN"

synthetic: setup
	@[ -n "$$GTZAN" ] || $(PYTHON) tools.songs.synthetic --out $(songs)

lmdb: setup synthetic ## the clips of DATA= or GTZAN= as LMDBs, the databases that Caffe reads
	@$(PYTHON) tools.convert $(songs) $(settings)

train: setup ## all six networks, or NET alone, to ITERS iterations; goes on where it stopped
	@for NET in $${NET:-simple_cnn complex_cnn rcnn lstm song_cnn rcnn_plus}; do \
	  $(PYTHON) tools.train $(named_songs) $(settings) || exit; \
	done

$(foreach pair,$(one_net),$(eval $(subst /,: override NET := ,$(pair))))
train-rcnn train-complex train-simple train-lstm train-song: setup ## one network; also train-complex, train-simple, train-lstm, train-song
	@$(PYTHON) tools.train $(named_songs) $(settings)

vote: setup ## the clips of a test song vote for its genre; NET= or RUN=, ITERATION=, TEST=DIR
	@$(PYTHON) tools.vote $(named_songs) $(call option,ITERATION) $(call option,RUN) $(call option,TEST) $(settings)

vote-folds: setup ## the votes of all folds of SPLIT=song or artist as one, each song tested once
	@$(PYTHON) tools.vote.folds $(named_songs) $(call option,ITERATION) $(settings)

baseline: setup synthetic ## what a network has to beat: MFCC statistics and an SVM, on the same folds
	@$(PYTHON) tools.vote.baseline $(songs) $(settings)

report: setup ## a page: every table and figure of the paper beside ours, from what has been run
	@$(PYTHON) tools.report --build "$$BUILD"

verify: setup ## is everything made still what it was made from? A line a check
	@$(PYTHON) tools.verify --build "$$BUILD" $(named_songs) $(call option,SONGS)

repeat: setup ## train RUN=FOLDER again from its record (to ITERATION): the same weights?
	@$(call no_settings,beside RUN=$$RUN: a run has its own settings)
	@[ -n "$$RUN" ] || { echo 'repeat: which run? make repeat RUN=build/runs/song/rcnn' >&2; exit 2; }; \
	$(PYTHON) tools.verify.repeat $(call option,ITERATION) --build "$$BUILD" -- "$$RUN"

paper: setup synthetic ## the whole paper, at SCALE=0.005 of its iterations; PLAN=1 tells how long
	@$(call no_settings,is none of make paper's: its runs have the paper's own)
	@$(PYTHON) tools.paper $(songs) --build "$$BUILD" $(call option,SCALE) \
	  $(if $(PLAN),--plan $(call option,SONGS) $(call option,CORES))

##@ Your own song
classify: setup ## the genre of SONG=FILE or FOLDER; JSON=1 CSV=FILE PNG=FOLDER THRESHOLD=5 RUN=
	@[ -n "$$SONG" ] || { echo 'classify: which song? make classify SONG="my song.mp3"' >&2; exit 2; }; \
	[ -n "$$PNG" ] || [ -d "$$SONG" ] || PNG=$$BUILD/classify; \
	$(PYTHON) tools.classify $(model) $(call option,THRESHOLD) $${JSON:+--json} $(call option,CSV) $(call option,PNG) -- "$$SONG"

serve: setup ## a page to drop, record and hear songs on: HOST=127.0.0.1 PORT=8000 RUN=
	@$(IN) --network python3 -m tools.serve $(model) $(call option,THRESHOLD) $(call option,HOST) $(call option,PORT)

robustness: setup ## how often test songs keep their genre at other levels, sample rates and formats
	@$(PYTHON) tools.bench.robustness $(songs) $(model) $(call option,THRESHOLD) --json "$$BUILD/robustness.json"

##@ Docker, speed, tests, housekeeping
docker_arguments = $(foreach name,DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR PIP_INDEX_URL JOBS,$(if $($(name)),--build-arg $(name)))
# What is made belongs to the caller: under rootless Podman by --userns, elsewhere by --user
docker_run = $(DOCKER) run --rm --init --user "$$(id -u):$$(id -g)" \
  $(if $(findstring podman,$(DOCKER)),--userns=keep-id) --volume "$(CURDIR)/build/docker:/music/build"

docker: ## the image music-caffe:cpu; also docker-gpu, and docker-test, docker-gpu-test
	$(DOCKER) build --target cpu --tag $(IMAGE):cpu $(docker_arguments) $(if $(CAFFE),--build-arg CAFFE) .

# Caffe is compiled with CUDA: 45 minutes of CPU time
docker-gpu:
	$(DOCKER) build --target gpu --tag $(IMAGE):gpu $(docker_arguments) .

# The tests, then LMDBs, a short training and a vote
docker-test: docker
	$(call docker_check,$(IMAGE):cpu)

# The same in the GPU image, after Caffe's own tests of its CPU code; needs no GPU
docker-gpu-test: docker-gpu
	$(docker_run) --entrypoint caffe-gtest --workdir /usr/src/caffe/tree $(IMAGE):gpu --gtest_filter='$(gtest_filter)'
	$(call docker_check,$(IMAGE):gpu)

# The tests that a build without CUDA has: types 2 and 3 of a typed test are float and double on a GPU, and CommonTest's
# TestBrewMode leaves the GPU mode on for the next test, which then asks for a device.
gtest_filter = -*GPU*:*/2.*:*/3.*:Im2colKernelTest/*:CommonTest.TestBrewMode

define docker_check
@mkdir -p build/docker
$(docker_run) $(1) health
$(docker_run) $(1) test
$(docker_run) $(1) lmdb train-rcnn vote ITERS="$${ITERS:-150}"
@others=$$(find build/docker ! -uid "$$(id -u)"); [ -z "$$others" ] || { echo "not owned by the caller: $$others"; exit 1; }
endef

bench: lmdb ## speed beside PyTorch and Caffe; ONLY="train votes" NETS= ROUNDS= GROWTH=1 KEEP=1
	@$(call no_settings,is none of make bench's: it measures the networks as they are or those of NETS=)
	@tools/bench/rounds "$$BUILD" $(songs)

results: setup ## tables, picture and page of data/results; KEEP=build/votes/... keeps a vote first
	@$(PYTHON) tools.report.results $${KEEP:+--keep $$KEEP}

gpu-check: setup ## what Caffe computes on a GPU beside the CPU, how fast, how far in MINUTES=25
	@$(call no_settings,is none of make gpu-check's: it asks the networks as they are or those of NETS=)
	@$(PYTHON) tools.runtime.gpu_check $(named_songs) --build "$$BUILD" $(call option,MINUTES) $(if $(NETS),--nets $$NETS)

health: setup ## which Caffe, with which BLAS, on which devices, and whether it computes right
	@$(PYTHON) tools.runtime.health

# In `make test torture` only what the first leaves out
torture: setup ## bad input, kills at KILLS=50 random moments, full disks, a library step by step
	@KILLS="$${KILLS:-50}" tests/small_disk $(PYTHON) pytest -q -n 2 --dist loadgroup \
	  -m "torture$(if $(filter test,$(MAKECMDGOALS)), and not quick)"
	@tests/library

fuzz: setup ## bytes that find new paths through what reads our files: SECONDS=60 a reader
	@$(IN) --network tests/fuzz/run $(or $(SECONDS),60)

lint: setup ## style by ruff, types by mypy
	@$(IN) sh -c 'ruff check tools tests && ruff format --check tools tests && mypy --cache-dir "$$HOME/mypy"'

clean: ## remove everything made (build/); distclean: .caffe/ and downloads too
	rm -rf build

distclean: clean
	rm -rf .caffe data/downloads

# Every step is a target; plain `make` prints them. Settings are make variables: make train-rcnn SPLIT=clip ITERS=1500
.DEFAULT_GOAL := help
SHELL := /bin/bash

# --- settings -------------------------------------------------------------------------------------------------------
# Where everything made lies
BUILD ?= build
# GTZAN=DIR: a folder per genre; without it a synthetic data set stands in
SYNTHETIC := $(BUILD)/synthetic
DATA = $(or $(GTZAN),$(SYNTHETIC)/genres)
SPLIT ?= song
DOCKER ?= docker
IMAGE ?= music-caffe

quoted = '$(subst ','\'',$(1))'
option = $(if $($(2)),--$(1) $(call quoted,$($(2))))

export CAFFE HOSTS REMOTE_SHELL GTZAN GTZAN_URL DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR OPENBLAS_CORETYPE
# What is written and read beside GTZAN: the sandbox shows it where it lies outside the checkout
export WRITE = $(BUILD)
export READ := $(READ):$(MODEL)
IN := tools/runtime/run
PYTHON := $(IN) python3 -m

# What the matrices are made with; the paper's values are the defaults (tools/convert/parameters.py)
matrix_options = $(call option,bands,BANDS) $(call option,n-bands,N_BANDS) $(call option,window,WINDOW) $(call option,hop,HOP) \
  $(call option,frames-a-clip,FRAMES_A_CLIP) $(call option,clips-a-song,CLIPS_A_SONG) $(call option,song-frames,SONG_FRAMES) \
  $(call option,lstm-window,LSTM_WINDOW) $(call option,lstm-hop,LSTM_HOP) \
  $(call option,lstm-frames-a-clip,LSTM_FRAMES_A_CLIP) $(call option,lstm-clips-a-song,LSTM_CLIPS_A_SONG) \
  $(call option,overlap,OVERLAP) $(call option,masked-copies,MASKED_COPIES) $(call option,level-copies,LEVEL_COPIES)
split_options = --split $(call quoted,$(SPLIT)) $(call option,fold,FOLD) $(call option,genres,GENRES) $(matrix_options) \
  --build $(call quoted,$(BUILD))
run_options = $(split_options) $(call option,dtype,DTYPE) $(call option,seed,SEED) $(call option,batch,BATCH) \
  $(call option,base-lr,BASE_LR) $(call option,lr-steps,LR_STEPS) $(call option,dropout,DROPOUT) \
  $(call option,input-scale,INPUT_SCALE) $(call option,pooling,POOLING) $(call option,batch-norm,BATCH_NORM) \
  $(call option,neurons,NEURONS)
lmdb_options = $(split_options) $(call option,jobs,JOBS) $(call option,hosts,HOSTS)
train_options = $(run_options) $(call option,iterations,ITERS) $(call option,ranks,RANKS) \
  $(call option,hosts,HOSTS) $(call option,gpu,GPU)
vote_options = --net $(call quoted,$(or $(NET),rcnn)) $(run_options) $(call option,iteration,ITERATION)

classify_options = --build $(call quoted,$(BUILD)) $(call option,model,MODEL) $(call option,iteration,ITERATION) \
  $(call option,threshold,THRESHOLD)

# Every target that `make help` lists, and those that only prepare
.PHONY: synthetic $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' Makefile)

##@ Start here
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z%-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile
	@echo; echo "Settings: GTZAN=DIR NET= SPLIT=song|clip|filtered FOLD=0..4 ITERS= DTYPE=float|int SEED= BATCH= BASE_LR= LR_STEPS= RANKS= GENRES="
	@echo "          and more: README.md, Settings"

demo: ## everything once, small: synthetic songs, LMDBs, a short RCNN training, votes
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= SPLIT=song FOLD=0 lmdb
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= SPLIT=song FOLD=0 train-rcnn ITERS=$(or $(ITERS),150)
	@$(MAKE) --no-print-directory BUILD=build/demo GTZAN= SPLIT=song FOLD=0 NET=rcnn vote

test: ## set up what is missing, with a browser for the pages, then run every test
	@tools/runtime/setup --tests
	@$(IN) ruff check tools tests
	@$(IN) ruff format --check tools tests
	@$(PYTHON) pytest -q
	@tests/sandbox
	@tests/two_hosts

torture: setup ## bad input of 219 kinds, kills at 50 random moments, full disks: 20 minutes at most (KILLS=5 for fewer)
	@KILLS=$(or $(KILLS),50) $(PYTHON) pytest -q -n 2 -m "torture or not torture" tests/test_bad_input.py tests/test_crashes.py tests/test_train.py

fuzz: setup ## feed what reads our files with bytes that find new paths through it: SECONDS=60 for each reader
	@$(IN) --network tests/fuzz/run $(or $(SECONDS),60)

##@ The pipeline
setup: ## BVLC Caffe and its Python packages, in .caffe/ (nothing to do where Caffe is installed); CAFFE=native: a faster one too
	@tools/runtime/setup

data: setup ## download GTZAN: SET=mini (100 songs, default) or SET=all (1000)
	@$(IN) --network python3 -m tools.songs.download $(or $(SET),mini)

check-data: setup ## what is in GTZAN=DIR, and what is wrong with it
	@$(PYTHON) tools.songs.gtzan check $(call quoted,$(or $(GTZAN),$(error say which folder: make check-data GTZAN=DIR)))

$(SYNTHETIC)/synth.json: $(wildcard tools/songs/synthetic.py tools/songs/synthesis/*.py)
	@$(PYTHON) tools.songs.synthetic --out $(call quoted,$(SYNTHETIC)/genres)

synthetic: setup $(if $(GTZAN),,$(SYNTHETIC)/synth.json)

lmdb: setup synthetic ## songs to matrices to LMDBs
	@$(PYTHON) tools.convert $(call quoted,$(DATA)) $(lmdb_options)

train: setup ## train all five networks, or NET alone, to ITERS iterations; goes on where it stopped
	@for net in $(if $(NET),$(call quoted,$(NET)),simple_cnn complex_cnn rcnn lstm song_cnn); do \
	  $(PYTHON) tools.train --net "$$net" $(train_options) || exit; \
	done

train-rcnn: setup ## the recurrent convolutional network
	@$(PYTHON) tools.train --net rcnn $(train_options)

train-complex: setup ## the complex CNN
	@$(PYTHON) tools.train --net complex_cnn $(train_options)

train-simple: setup ## the simple CNN
	@$(PYTHON) tools.train --net simple_cnn $(train_options)

train-lstm: setup ## the LSTM
	@$(PYTHON) tools.train --net lstm $(train_options)

train-song: setup ## the network that takes a whole song
	@$(PYTHON) tools.train --net song_cnn $(train_options)

vote: setup ## the clips of each test song vote for its genre: NET=, ITERATION= (default: newest)
	@$(PYTHON) tools.vote $(vote_options)

vote-folds: setup ## the votes of all five folds of the song split as one, each song tested once
	@$(PYTHON) tools.vote.folds $(vote_options)

baseline: setup synthetic ## what a network has to beat: MFCC statistics and an SVM, on the same five folds
	@$(PYTHON) tools.vote.baseline $(call quoted,$(DATA)) --build $(call quoted,$(BUILD)) $(call option,jobs,JOBS)

report: setup ## every table and figure of the paper beside ours, from whatever has been run: build/report/index.html
	@$(PYTHON) tools.report --build $(call quoted,$(BUILD))

verify: setup ## check everything made against what it was made from: records, hashes, splits, votes, the report
	@$(PYTHON) tools.verify --build $(call quoted,$(BUILD)) --data $(call quoted,$(DATA)) $(call option,songs,SONGS)

repeat: setup ## train RUN=build/runs/song/rcnn again from its run.json alone (to ITERATION): are the weights the same?
	@$(PYTHON) tools.verify.repeat $(call option,iteration,ITERATION) -- $(call quoted,$(or $(RUN),$(error say which run: make repeat RUN=build/runs/song/rcnn)))

paper: setup synthetic ## everything, from the songs to the page; SCALE=0.005 multiplies the paper's iterations, PLAN=1 only tells (SONGS=1000 CORES=16)
	@$(PYTHON) tools.paper $(call quoted,$(DATA)) --build $(call quoted,$(BUILD)) $(call option,scale,SCALE) \
	  $(if $(PLAN),--plan $(call option,songs,SONGS) $(call option,cores,CORES))

##@ Your own song
# A song outside the checkout is made visible to the sandbox by READ, which is why it can't have a colon in its path there.
classify: setup ## tell the genre of SONG=FILE or FOLDER; JSON=1 CSV=FILE PNG=FOLDER THRESHOLD=5 MODEL=RUN
	@song=$(call quoted,$(SONG)); pictures=$(call quoted,$(PNG)); \
	[ -n "$$song" ] || { echo 'classify: which song? make classify SONG="my song.mp3"' >&2; exit 2; }; \
	[ -n "$$pictures" ] || [ -d "$$song" ] || pictures=$(call quoted,$(BUILD)/classify); \
	table=$(call quoted,$(CSV)); WRITE=$$WRITE:$$pictures:$${table:+$$(dirname -- "$$table")}; \
	song=$$(realpath -m -- "$$song"); outside=$$song; \
	case $$song in "$$PWD"/*) outside= ;; *:*) echo "classify: $$song: a colon in its path: rename it, or move it here" >&2; exit 2 ;; esac; \
	READ=$$READ:$$outside $(PYTHON) tools.classify $(classify_options) $(if $(JSON),--json) $(call option,csv,CSV) \
	  $${pictures:+--png "$$pictures"} -- "$$song"

serve: setup ## a web page to drop, record and hear songs on: HOST=127.0.0.1 PORT=8000 MODEL=RUN
	@$(IN) --network python3 -m tools.serve $(classify_options) $(call option,host,HOST) $(call option,port,PORT)

robustness: setup ## how often test songs keep their verdict at other levels, rates and formats
	@$(PYTHON) tools.bench.robustness $(call quoted,$(DATA)) $(classify_options) --json $(call quoted,$(BUILD)/robustness.json)

##@ Docker
docker_arguments = $(foreach name,DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR PIP_INDEX_URL JOBS,$(if $($(name)),--build-arg $(name)))
# What is made belongs to the caller: under rootless Podman by --userns, elsewhere by --user
docker_run = $(DOCKER) run --rm --init --user "$$(id -u):$$(id -g)" \
  $(if $(findstring podman,$(DOCKER)),--userns=keep-id) --volume "$(CURDIR)/build/docker:/music/build"

docker: ## the CPU image, music-caffe:cpu
	$(DOCKER) build --target cpu --tag $(IMAGE):cpu $(docker_arguments) .

docker-gpu: ## the GPU image, music-caffe:gpu (compiles Caffe with CUDA: 45 minutes of CPU time)
	$(DOCKER) build --target gpu --tag $(IMAGE):gpu $(docker_arguments) .

docker-test: docker ## the tests, then LMDBs, a short training and a vote, in the CPU image
	$(call docker_check,$(IMAGE):cpu)

docker-gpu-test: docker-gpu ## the same in the GPU image, after Caffe's own tests of its CPU code; needs no GPU
	$(docker_run) --entrypoint caffe-gtest --workdir /usr/src/caffe/tree $(IMAGE):gpu --gtest_filter='$(gtest_filter)'
	$(call docker_check,$(IMAGE):gpu)

# The tests that a build without CUDA has: types 2 and 3 of a typed test are float and double on a GPU, and CommonTest's
# TestBrewMode leaves the GPU mode on for the next test, which then asks for a device.
gtest_filter = -*GPU*:*/2.*:*/3.*:Im2colKernelTest/*:CommonTest.TestBrewMode

define docker_check
@mkdir -p build/docker
$(docker_run) $(1) health
$(docker_run) $(1) test
$(docker_run) $(1) lmdb train-rcnn vote ITERS=$(or $(ITERS),150)
@others=$$(find build/docker ! -uid "$$(id -u)"); [ -z "$$others" ] || { echo "not owned by the caller: $$others"; exit 1; }
endef

##@ Speed
export ONLY NETS ROUNDS GROWTH KEEP
bench: lmdb ## images/s, songs/s and clips/s beside PyTorch, stock Caffe and a plain loop; ONLY="train votes" NETS= ROUNDS= GROWTH=1 KEEP=1
	@tools/bench/rounds $(call quoted,$(BUILD)) $(call quoted,$(DATA))

##@ Keeping house
results: setup ## write the README's tables and the page of data/results from what is kept there; KEEP=build/votes/... keeps a vote first
	@$(PYTHON) tools.report.results $(if $(KEEP),--keep $(KEEP))

health: setup ## which Caffe, with which BLAS, on which devices; exit code 2 where it computes wrong
	@$(PYTHON) tools.runtime.health

lint: setup ## ruff, check and format
	@$(IN) ruff check tools tests && $(IN) ruff format --check tools tests

clean: ## remove everything made (build/)
	rm -rf build

distclean: clean ## also remove Caffe's private root (.caffe/) and downloads
	rm -rf .caffe data/downloads

# Two images of the same project: `cpu` with Debian's own Caffe, `gpu` with that Caffe rebuilt with CUDA.
#
#   docker build --target cpu -t music-caffe:cpu .        (or: make docker)
#   docker build --target gpu -t music-caffe:gpu .        (or: make docker-gpu)
#
# Build arguments: DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, PIP_INDEX_URL, JOBS; CAFFE=native, with which the cpu image has the
# faster Caffe too. Nothing is fetched but by apt, which checks Debian's signatures, and by pip, which checks the lock file's hashes.
# Layers go from what changes least to what changes most: Debian packages, locked Python packages, CUDA, the project.

# --- debian: the base, and where it takes its packages from ----------------------------------------------------------
FROM debian:bullseye-slim AS debian
# DEBIAN_MIRROR=URL and DEBIAN_SECURITY_MIRROR=URL: take bullseye from this mirror or archive instead of the default one
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
RUN if [ -n "$DEBIAN_MIRROR" ]; then sed -i -E "/security/! s|https?://[^ ]+|$DEBIAN_MIRROR|" /etc/apt/sources.list; fi \
 && if [ -n "$DEBIAN_SECURITY_MIRROR" ]; then sed -i -E "/security/ s|https?://[^ ]+|$DEBIAN_SECURITY_MIRROR|" /etc/apt/sources.list; fi \
 # An archive's Release file is past its date; signatures are still checked.
 && if [ -n "$DEBIAN_MIRROR" ]; then echo 'Acquire::Check-Valid-Until "false";' >/etc/apt/apt.conf.d/90-archive; fi \
 && printf 'path-exclude=/usr/share/%s/*\n' doc man locale >/etc/dpkg/dpkg.cfg.d/90-slim

# --- system: Debian's Caffe, from the package list that the runtime outside Docker reads too ----------------------------
FROM debian AS system
COPY tools/runtime/packages.txt /tmp/
RUN apt-get update -qq \
 && sed '/^#/d' /tmp/packages.txt | DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -qq --no-install-recommends make \
 && apt-get clean \
 && rm -rf /tmp/packages.txt /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log

# --- python: the locked Python packages. A stage of its own, so that the index's address is in no image's history -------
FROM system AS python
# PIP_INDEX_URL=URL: take the packages from this index; their hashes are checked in any case
ARG PIP_INDEX_URL
COPY requirements.lock /tmp/
# scikit-image and others of Debian's break under a newer NumPy, so the locked packages shadow them all.
RUN python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --ignore-installed \
      --require-hashes --requirement /tmp/requirements.lock \
 && { python3 -m compileall -q -j 0 /usr/local/lib/python3.9 >/dev/null || true; }

# --- runtime: both, and an ordinary user; what the two images share -----------------------------------------------------
FROM system AS runtime
COPY --from=python /usr/local /usr/local
# The mark by which tools/runtime/run and setup know a root that has Caffe
RUN useradd --no-log-init --uid 1000 --user-group --no-create-home --home-dir /tmp music \
 && sha256sum /usr/local/lib/python3.9/dist-packages/*.dist-info/RECORD >/etc/runtime-fingerprint
# A uid that the image doesn't know has no home either.
ENV HOME=/tmp LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
WORKDIR /music
LABEL org.opencontainers.image.licenses="BSD-2-Clause" \
      org.opencontainers.image.version="1.0" \
      org.opencontainers.image.base.name="debian:bullseye-slim"
ENTRYPOINT ["make"]
CMD ["help"]

# --- caffe-native: with CAFFE=native Debian's Caffe rebuilt for processors with AVX2, otherwise nothing ------------------
FROM system AS caffe-native
ARG CAFFE=stock
ARG PIP_INDEX_URL
ARG JOBS
COPY tools/runtime/caffe-native/ /caffe-native/
RUN mkdir /native \
 && { [ "$CAFFE" != native ] || /caffe-native/image /native >/tmp/build.log 2>&1 || { tail -n 50 /tmp/build.log; exit 1; }; }

# --- cpu ----------------------------------------------------------------------------------------------------------------
FROM runtime AS cpu
LABEL org.opencontainers.image.title="Music classification on BVLC Caffe (CPU)" \
      org.opencontainers.image.description="STFT matrices of songs, Caffe networks, and a vote for the genre"
COPY --from=caffe-native /native /music/.caffe/native
COPY . /music
# Any uid may write here, as in /tmp: it makes its own folders, and can't change the project's files.
RUN mkdir -p build data/downloads && chmod 1777 . build data/downloads
USER 1000:1000

# --- caffe-cuda: Debian's Caffe rebuilt with CUDA, as packages; nothing else of this stage reaches an image -------------
# Without cuDNN: Debian has none, and against those that PyPI has for CUDA 11 (8.5 to 9.10 were tried) Caffe's
# cudnn_conv_layer.cpp doesn't compile, since cuDNN 8 took away cudnnGetConvolutionForwardAlgorithm and its two siblings.
FROM debian AS caffe-cuda
COPY tools/runtime/caffe-gpu/non-free /caffe-gpu/
RUN /caffe-gpu/non-free \
 && apt-get update -qq \
 && export DEBIAN_FRONTEND=noninteractive \
 && apt-get install -y -qq --no-install-recommends dpkg-dev \
 && apt-get build-dep -y -qq --no-install-recommends --arch-only caffe \
 && apt-get install -y -qq --no-install-recommends nvidia-cuda-toolkit libopenblas-dev \
 && apt-get clean
COPY tools/runtime/caffe-gpu/ /caffe-gpu/
ARG JOBS
RUN /caffe-gpu/build /packages >/tmp/build.log 2>&1 || { tail -n 50 /tmp/build.log; exit 1; }

# --- gpu: the runtime with those packages in place of Debian's ---------------------------------------------------------
FROM runtime AS gpu
COPY --from=caffe-cuda /packages /tmp/packages
COPY tools/runtime/caffe-gpu/non-free /tmp/packages/
RUN cp /etc/apt/sources.list /tmp/sources.list \
 && /tmp/packages/non-free \
 && apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/packages/*.deb \
 && mkdir -p /usr/src/caffe && mv /tmp/packages/caffe-tests /usr/src/caffe/tree \
 && mv /tmp/sources.list /etc/apt/sources.list \
 && apt-get clean \
 && rm -rf /tmp/packages /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# What NVIDIA's container toolkit brings in from the host: the driver's libraries and nvidia-smi
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
LABEL org.opencontainers.image.title="Music classification on BVLC Caffe (GPU)" \
      org.opencontainers.image.description="STFT matrices of songs, Caffe networks, and a vote for the genre; CUDA 11.2"
COPY . /music
RUN mkdir -p build data/downloads && chmod 1777 . build data/downloads
USER 1000:1000

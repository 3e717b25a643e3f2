"""What must hold of the Dockerfile before anybody builds it. `make docker-test` builds it and runs the tests inside."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from conftest import CHECKOUT

CUDA_BUILD = CHECKOUT / "tools" / "runtime" / "caffe-gpu"
NATIVE_BUILD = CHECKOUT / "tools" / "runtime" / "caffe-native"
# what songs and videos come in
AUDIO = re.findall(
    r"\w+",
    """3gp aac aif aifc aiff alac amr ape au caf dsf flac m4a m4b m4r mka mkv mov mp2 mp3 mp4 mpc oga ogg opus ra rf64
    snd spx tta w64 wav weba webm wma wv""",
)


def stages() -> dict[str, list[str]]:
    """The instructions of each stage by its name, continued lines joined and comments left out."""
    text = (CHECKOUT / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\\n\s*", " ", text)
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith("FROM "):
            current = found.setdefault(line.split(" AS ")[1], [])
        current.append(line)
    return found


def inherited(stage: str) -> list[str]:
    """The instructions that an image of this stage is made by: those of the stages that it comes from, then its own."""
    base = stages()[stage][0].split()[1]
    return [*(inherited(base) if base in stages() else []), *stages()[stage]]


def position(instructions: list[str], words: str) -> int:
    return next(index for index, instruction in enumerate(instructions) if words in instruction)


def test_every_stage_comes_from_bullseye_slim_or_from_another_stage():
    bases = {instructions[0].split()[1] for instructions in stages().values()}
    assert bases <= {"debian:bullseye-slim", *stages()}


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_an_image_has_what_the_lists_name_that_the_runtime_outside_docker_installs(image: str):
    setup = (CHECKOUT / "tools/runtime/setup").read_text()
    assert "packages.txt" in setup and "requirements.lock" in setup
    assert any("packages.txt" in instruction for instruction in inherited(image))
    assert "COPY --from=python /usr/local /usr/local" in inherited(image)
    assert any("requirements.lock" in instruction for instruction in stages()["python"])


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_what_changes_most_comes_last(image: str):
    made = inherited(image)
    assert position(made, "apt-get install") < position(made, "COPY --from=python") < position(made, "COPY . ")
    assert not any(
        "apt-get" in instruction or "pip" in instruction for instruction in made[position(made, "COPY . ") :]
    )


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_the_address_of_the_package_index_is_not_in_the_history_of_an_image(image: str):
    assert "ARG PIP_INDEX_URL" in stages()["python"]
    assert not any("PIP_INDEX_URL" in instruction for instruction in inherited(image))


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
def test_make_passes_every_build_argument_that_the_dockerfile_takes():
    arguments = [i for instructions in stages().values() for i in instructions if i.startswith("ARG ")]
    taken = {argument.split()[1].partition("=")[0] for argument in arguments}
    command = ["make", "-n", "docker", *(f"{name}=x" for name in taken)]
    recipe = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"--build-arg (\w+)", recipe)) == taken


def test_pip_installs_nothing_but_what_the_lock_files_have_hashes_of():
    lines = [*chain(*stages().values()), *(NATIVE_BUILD / "image").read_text().splitlines()]
    installs = [line for line in lines if re.search(r"\bpip3? .*install", line)]
    assert len(installs) == 2
    assert all("--require-hashes" in install and "--no-deps" in install for install in installs)


@pytest.mark.parametrize(
    "path",
    [
        "Dockerfile",
        *(f"tools/runtime/caffe-gpu/{file.name}" for file in CUDA_BUILD.iterdir()),
        *(f"tools/runtime/caffe-native/{name}" for name in ("image", "compile", "setup")),
    ],
)
def test_nothing_is_fetched_but_through_apt_and_pip(path: str):
    text = (CHECKOUT / path).read_text()
    assert not re.search(r"\b(curl|wget)\b|^ADD ", text, re.MULTILINE)
    # http[s]://HOST of any package index or mirror: these are the machine's, or the caller's, own
    assert not re.search(r"https?://[a-z0-9]", text)


@pytest.mark.parametrize("image", ["cpu", "gpu"])
def test_an_image_runs_make_as_an_ordinary_user(image: str):
    instructions = inherited(image)
    assert 'ENTRYPOINT ["make"]' in instructions and 'CMD ["help"]' in instructions
    users = [instruction.split()[1] for instruction in instructions if instruction.startswith("USER ")]
    assert users and not users[-1].startswith(("0", "root"))


def test_the_native_caffe_of_an_image_is_refused_where_a_part_of_x86_64_v3_is_missing():
    image, compiled = ((NATIVE_BUILD / name).read_text() for name in ("image", "compile"))
    asked = set(re.search(r"echo (.*) >\"\$folder/processor\"", image)[1].split())  # as Linux calls them
    options = set(re.findall(r"-m([a-z]\w+)", re.search(r'processor="(.*)" ;;', compiled)[1])) - {"tune"}  # as GCC does
    gcc_names = {"bmi1": "bmi", "abm": "lzcnt"}
    assert {gcc_names.get(flag, flag) for flag in asked} == options


def test_the_toolkit_stays_out_of_the_gpu_image():
    assert any("nvidia-cuda-toolkit" in instruction for instruction in stages()["caffe-cuda"])
    assert not any("nvidia-cuda-toolkit" in instruction for instruction in inherited("gpu"))


def ignored() -> set[str]:
    return set((CHECKOUT / ".dockerignore").read_text().splitlines())


def test_what_is_made_downloaded_or_private_stays_out_of_the_images():
    assert {".git", ".caffe", "build", "data/downloads", ".env", ".netrc", ".pypirc"} <= ignored()


@pytest.mark.parametrize("suffix", AUDIO)
def test_no_song_in_the_checkout_gets_into_an_image(suffix: str):
    assert {f"**/*.{suffix}", f"**/*.{suffix.upper()}"} <= ignored()


def test_no_archive_of_a_package_stays_in_a_layer():
    """A base image need not delete them after each installation, as Debian's official one does."""
    layers = [i for instructions in stages().values() for i in instructions if re.search("apt-get .*install", i)]
    assert len(layers) >= 3
    assert all("apt-get clean" in layer for layer in layers)


def test_an_image_has_the_mark_by_which_the_runtime_knows_a_root_with_caffe():
    mark = "/etc/runtime-fingerprint"
    assert any(mark in instruction for instruction in stages()["runtime"])
    assert all(mark in (CHECKOUT / "tools" / "runtime" / script).read_text() for script in ("run", "setup"))


def test_the_patch_guards_each_call_to_the_device_by_the_mode():
    patch = (CUDA_BUILD / "cuda-only-in-gpu-mode.patch").read_text()
    added = "\n".join(line[1:].strip() for line in patch.splitlines() if re.match(r"\+[^+]", line))
    assert re.search(r"Caffe::mode\(\) == Caffe::GPU\) \{\nCUDA_CHECK\(cudaGetDevice\(&device\)\);", added)
    assert re.search(r"mode == Caffe::GPU\) \{\nCUDA_CHECK\(cudaSetDevice\(device\)\);", added)


def test_native_code_is_built_for_pascal_to_ampere_and_ptx_for_what_is_newer():
    patch = (CUDA_BUILD / "debian.patch").read_text()
    assert '+\t-DCUDA_ARCH_BIN="60 70 75 80 86" \\' in patch
    assert '+\t-DCUDA_ARCH_PTX="86"' in patch
    assert "+\t-DCPU_ONLY=OFF" in patch


def root_script(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([CUDA_BUILD / "root", *arguments], capture_output=True, text=True, check=False)


def test_the_script_that_packs_and_enters_a_root_tells_its_use():
    told = root_script()
    assert told.returncode == 2
    assert "root pack FILE" in told.stdout and "root enter ROOT" in told.stdout


def test_what_is_no_root_of_an_image_is_not_entered(tmp_path: Path):
    refused = root_script("enter", str(tmp_path), "health")
    assert refused.returncode == 1
    assert refused.stderr == f"root: {tmp_path}: no root of an image: unpack what 'root pack' made\n"

# shellcheck shell=bash
# Sourced by quickstart and check: messages, Debian packages, and builds by CMake preset.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=/usr/share/datasets/fashion-mnist
threads=$(nproc)

build_packages=(g++ cmake ninja-build libdnnl-dev libspdlog-dev libfmt-dev libcli11-dev
  nlohmann-json3-dev zlib1g-dev libjpeg62-turbo-dev libpng-dev libtomlplusplus-dev libmimalloc-dev
  protobuf-compiler libprotobuf-dev dataset-fashion-mnist)
check_packages=(libgtest-dev clang-format git graphviz)
all_packages=(clang libclang-rt-14-dev libomp-dev clang-tidy locales)

say() { printf '== %s\n' "$*"; }
complain() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# nvcc is often installed but not on the path.
if ! command -v nvcc >/dev/null && [[ -x /usr/local/cuda/bin/nvcc ]]; then
  PATH=$PATH:/usr/local/cuda/bin
fi
has_nvcc() { command -v nvcc >/dev/null; }
has_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; }

# as_root command...: directly, or through sudo.
as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

# install_missing package...: what is there already is left as it is. Without apt, CMake has to find
# the libraries in another way (CMAKE_PREFIX_PATH), and says so if it does not.
install_missing() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 0
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "installing ${missing[*]}"
  apt update && apt install -y --no-install-recommends "${missing[@]}"
}

# build_preset preset folder [option...]: configures a folder that is not yet (ninja itself notices
# when that has to be done again) to compile in batches, and builds everything, or the targets in
# $build_targets.
build_preset() {
  local preset=$1 folder=$2 generator=()
  shift 2
  # A folder that was configured for a clone in another place is of no use here.
  if [[ -f $folder/CMakeCache.txt ]] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf "$folder"
  fi
  command -v ninja >/dev/null || generator=(-G "Unix Makefiles")
  if [[ ! -f $folder/build.ninja && ! -f $folder/Makefile ]]; then
    say "configuring ${folder#"$root"/}"
    (cd "$root" && cmake --preset "$preset" -B "$folder" "${generator[@]}" -DENGINE_BATCHES=ON \
      --log-level=WARNING "$@" >/dev/null) || return
  fi
  say "building ${folder#"$root"/} with $threads jobs"
  cmake --build "$folder" --parallel "$threads" ${build_targets:+--target $build_targets}
}

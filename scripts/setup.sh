# shellcheck shell=bash
# What ./quickstart and ./check share: the list of packages, their installation, the build and the
# environment for mpirun. Sourced, from the root of the tree, under set -euo pipefail.

# Debian 12's packages for building (tests and benchmarks too) and running. This is the only list.
# shellcheck disable=SC2034  # Used by the scripts that source this.
build_packages=(
  g++ cmake ninja-build pkg-config git
  libopenmpi-dev openmpi-bin libhdf5-dev libyaml-cpp-dev libeigen3-dev libopenblas-dev
  libcli11-dev libspdlog-dev nlohmann-json3-dev zlib1g-dev libpng-dev libssl-dev
  libgtest-dev libbenchmark-dev python3
)
# What only running the tests needs: they read results with Python and h5dump, look into libraries
# with nm, check shell scripts, build plugins by plain cmake, which takes make, and kill the program
# at chosen system calls with strace.
# shellcheck disable=SC2034
check_packages=(
  python3-h5py python3-numpy python3-pandas python3-xarray python3-h5netcdf hdf5-tools
  binutils shellcheck make strace
)

# What those packages provide as commands: enough on systems without dpkg.
needed_commands=(c++ cmake ninja pkg-config mpirun)

assume_yes=${CI:+1}

say() { printf '%s\n' "$*"; }

# missing_packages NAME...: those that dpkg does not know as installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      printf '%s\n' "$package"
  done
}

# On a system without apt nothing is installed; the commands have to be there.
require_commands() {
  local command missing=()
  for command in "${needed_commands[@]}"; do
    type -P "$command" >/dev/null || missing+=("$command")
  done
  if ((${#missing[@]})); then
    say "No apt-get on this system, and these commands are missing: ${missing[*]}" >&2
    say "docs/install.md says how to get them without root." >&2
    exit 2
  fi
  say "No apt-get on this system: using the tools that are installed."
}

# ensure_packages NAME...: installs what is missing, nothing else. Asks only a person: on a
# terminal, without --yes and outside CI.
ensure_packages() {
  if ! type -P apt-get >/dev/null || ! type -P dpkg-query >/dev/null; then
    require_commands
    return
  fi
  local missing=() as_root=() answer
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then
    say "Packages: all ${#} are installed."
    return
  fi
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  if ((EUID != 0)); then
    # Without a terminal sudo cannot ask for a password, so it must not need one.
    if type -P sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      say "Packages are missing and this user can't install them. Ask for:" >&2
      say "  $line" >&2
      exit 2
    fi
  fi
  say "Packages: ${#missing[@]} are missing. This will run:"
  say "  ${as_root[*]:+sudo }apt-get update"
  say "  ${as_root[*]:+sudo }$line"
  if [[ -z $assume_yes && -t 0 && -t 1 ]]; then
    read -r -p "Go on? [Y/n] " answer
    [[ ${answer:-y} == [Yy]* ]] || { say "Stopped; nothing was changed."; exit 2; }
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# build_release TARGET...: configures the release preset and builds the targets.
build_release() {
  umask 022  # A plugin that others can write is refused, whatever the caller's umask is.
  say "Building into build/release."
  cmake --preset release
  cmake --build --preset release --target "$@"
}

# What mpirun needs to start more ranks than there are cores, as root, on one machine. Open MPI
# reads these; MPICH needs none of them.
prepare_mpi() {
  if ((EUID == 0)); then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
  # No other machine is asked, so no ssh is needed.
  export OMPI_MCA_plm_rsh_agent=false
}

# The launcher that belongs to the MPI library of the build.
mpi_launcher() {
  local launcher
  launcher=$(sed -n 's/^MPIEXEC_EXECUTABLE:[A-Z]*=//p' build/release/CMakeCache.txt)
  printf '%s\n' "${launcher:-mpirun}"
}

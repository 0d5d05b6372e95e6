#!/usr/bin/env bash
# Proves that the set-up of ./quickstart and ./check installs what is missing and nothing else, asks
# nobody without a terminal, and explains itself where it cannot install: with stand-ins for
# dpkg-query, apt-get and sudo that only write down what they were asked.
# Argument: the source folder.
set -euo pipefail
source=$1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
mkdir "$folder/bin"
touch "$folder/calls"
chmod 666 "$folder/calls"

stand_in() { # NAME BODY
  printf '#!/bin/bash\n%s\n' "$2" >"$folder/bin/$1"
  chmod 755 "$folder/bin/$1"
}
record="printf '%s %s\n' \"\${0##*/}\" \"\$*\" >>$folder/calls"
# A machine that has only git and cmake.
# shellcheck disable=SC2016  # Expanded when the stand-in runs.
stand_in dpkg-query 'case ${!#} in git | cmake) printf installed ;; *) exit 1 ;; esac'
stand_in apt-get "$record"

fail() { printf 'setup_test: %s\n' "$*" >&2; cat "$folder/out" >&2; exit 1; }

# ensure PACKAGE...: leaves the exit status in $status, the output in out, the calls in calls. Runs
# as a plain user if $plain is set, else as whoever runs the test; without a terminal. sudo exists
# only as a stand-in.
plain=
ensure() {
  local as_user=()
  if [[ $plain && $EUID == 0 ]]; then as_user=(setpriv --reuid=65534 --clear-groups); fi
  : >"$folder/calls"
  status=0
  # Single quotes: the inner shell expands its own arguments.
  # shellcheck disable=SC2016
  (cd / && PATH=$folder/bin:/usr/bin:/bin "${as_user[@]}" bash -c '
    set -euo pipefail
    cd "$1"; . scripts/setup.sh
    type() { [[ $2 != sudo || -e $folder/bin/sudo ]] && builtin type "$@"; }
    folder=$2; shift 2
    ensure_packages "$@"' bash "$source" "$folder" "$@") >"$folder/out" 2>&1 </dev/null || status=$?
}

ensure git cmake
[[ $status == 0 && ! -s $folder/calls ]] || fail "something was done although nothing was missing"
grep -q 'all 2 are installed' "$folder/out" || fail "it was not said that nothing is missing"

if ((EUID == 0)); then
  ensure git ninja-build cmake zlib1g-dev
  [[ $status == 0 ]] || fail "status $status"
  diff - "$folder/calls" <<'TEXT' || fail "expected one update and one install of what is missing"
apt-get update -q
apt-get install -q -y --no-install-recommends ninja-build zlib1g-dev
TEXT
fi

plain=1
ensure git ninja-build
[[ $status == 2 && ! -s $folder/calls ]] || fail "without root and sudo: status $status, expected 2"
grep -q '^  apt-get install -y --no-install-recommends ninja-build$' "$folder/out" ||
  fail "the line for the administrator is missing"

stand_in sudo "$record"
ensure git ninja-build
[[ $status == 0 ]] || fail "with sudo: status $status"
diff - "$folder/calls" <<'TEXT' || fail "expected both calls through sudo"
sudo -n true
sudo apt-get update -q
sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ninja-build
TEXT

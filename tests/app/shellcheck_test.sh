#!/usr/bin/env bash
# Proves that the tree's shell scripts are free of what shellcheck knows as mistakes. Ends with 77,
# which counts as skipped, where shellcheck is not installed.
# Argument: the source folder.
set -euo pipefail
cd "$1"
type -P shellcheck >/dev/null || { echo "shellcheck is not installed" >&2; exit 77; }
mapfile -t scripts < <(find analysis benchmarks scripts tests -name '*.sh')
exec shellcheck -x quickstart check .ci/run "${scripts[@]}"

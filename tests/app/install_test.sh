#!/usr/bin/env bash
# Proves that an installed prefix works after it was moved: installs into a temporary folder, moves
# it, lists the plugins there, plans an experiment and compiles a plugin against the headers.
# Arguments: the cmake program, the build folder, the source folder, the C compiler.
set -euo pipefail
cmake=$1 build=$2 source=$3 compiler=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/first" >"$folder/log"
mv "$folder/first" "$folder/second"
program=$folder/second/bin/aesweep

fail() { printf 'install_test: %s\n' "$*" >&2; exit 1; }

cd /
"$program" plugins >"$folder/plugins" || fail "the moved program cannot load its plugins"
built=$(find "$build/lib/aesweep" -name '*.so' | wc -l)
installed=$(grep -c "$folder/second/lib/aesweep/.*[.]so\$" "$folder/plugins") || true
[[ $installed == "$built" ]] || fail "$installed of $built plugins are listed from the new place"
grep -q "$build" "$folder/plugins" && fail "a plugin still comes from the build folder"
"$program" plan "$source/experiments/quickstart.yaml" >/dev/null || fail "plan failed"

# A plugin that is nothing but the header: every author's first step.
printf '#include "core/abi/plugin.h"\nint main(void) { return AESWEEP_OK; }\n' >"$folder/use.c"
"$compiler" -std=c11 -fsyntax-only -I"$folder/second/include/aesweep" "$folder/use.c" ||
  fail "core/abi/plugin.h does not compile from the prefix"
[[ -f $folder/second/include/aesweep/core/sdk/plugin.hpp ]] || fail "core/sdk is not installed"

# Without its plugins the program says so.
rm -r "$folder/second/lib/aesweep"
if "$program" plugins 2>"$folder/error"; then fail "plugins without a plugin folder succeeded"; fi
grep -q "plugin folder $folder/second/lib/aesweep cannot be listed" "$folder/error" ||
  fail "unexpected message: $(cat "$folder/error")"

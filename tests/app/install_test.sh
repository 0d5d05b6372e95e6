#!/usr/bin/env bash
# Proves what an author of plugins gets from an installed aesweep, after its prefix was moved: the
# program finds its plugins and templates, and for every kind `plugin new` writes a project that
# plain cmake builds into one library with its manifest, which passes `plugin check` and trains.
# Arguments: the cmake program, the build folder, the source folder, the C compiler.
#
# The source tree and the build folder must not be needed: no output of these builds names them.
# Six plugins are compiled without a precompiled header: about a minute on two cores.
set -euo pipefail
cmake=$1 build=$2 source=$3 compiler=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
umask 022  # A plugin that others can write is refused.
"$cmake" --install "$build" --prefix "$folder/first" >"$folder/log"
mv "$folder/first" "$folder/second place"
prefix="$folder/second place"
program=$prefix/bin/aesweep

fail() { printf 'install_test: %s\n' "$*" >&2; exit 1; }

cd /
"$program" plugins >"$folder/plugins" || fail "the moved program cannot load its plugins"
built=$(find "$build/lib/aesweep" -name '*.so' | wc -l)
installed=$(grep -c "$prefix/lib/aesweep/.*[.]so\$" "$folder/plugins") || true
[[ $installed == "$built" ]] || fail "$installed of $built plugins are listed from the new place"
grep -q "$build" "$folder/plugins" && fail "a plugin still comes from the build folder"
"$program" plan "$source/experiments/quickstart.yaml" >/dev/null || fail "plan failed"

# Nothing in the prefix that a plugin is built from leads back to where it was built, and no text
# file of the prefix does.
grep -rlIF -e "$source" -e "$build" -e "$folder/first" "$prefix" >"$folder/leaks" || true
[[ ! -s $folder/leaks ]] || fail "these name the source or build tree: $(cat "$folder/leaks")"
[[ -z $(find "$prefix" -type l) ]] || fail "the prefix holds links: $(find "$prefix" -type l)"

# A plugin that is nothing but the header: every author's first step.
printf '#include "core/abi/plugin.h"\nint main(void) { return AESWEEP_OK; }\n' >"$folder/use.c"
"$compiler" -std=c11 -fsyntax-only "-I$prefix/include/aesweep" "$folder/use.c" ||
  fail "core/abi/plugin.h does not compile from the prefix"

# One project of each kind, configured by plain cmake and built two at a time, under the umask of
# machines where every user has a group of their own.
mkdir "$folder/work"
cd "$folder/work"
umask 002
kinds=(activation layer regularizer quantizer loss optimizer)
for kind in "${kinds[@]}"; do
  "$program" plugin new --kind "$kind" "my_$kind" >"$folder/my_$kind" ||
    fail "plugin new $kind failed"
done
"$program" plugin new --kind activation --example learned my_learned >"$folder/my_learned" ||
  fail "plugin new --example learned failed"
kinds+=(learned)

# build_one KIND: as the README says; the output is kept, and shown where it fails.
build_one() {
  { "$cmake" -S "my_$1" -B "my_$1/b" && "$cmake" --build "my_$1/b" -- VERBOSE=1; } \
    >"my_$1/log" 2>&1 || { cat "my_$1/log" >&2; fail "my_$1 cannot be built"; }
}
export -f build_one fail
export cmake
# shellcheck disable=SC2016  # Expanded by the shell that xargs starts.
printf '%s\n' "${kinds[@]}" | xargs -P 2 -I '{}' bash -euo pipefail -c 'build_one "$1"' _ '{}' ||
  fail "a project cannot be built"

for kind in "${kinds[@]}"; do
  project=my_$kind
  libraries=$(cd "$project/b" && find . -name '*.so')
  [[ $libraries == "./lib$project.so" ]] || fail "$kind: expected one library, found: $libraries"
  [[ -f $project/b/lib$project.plugin.yaml ]] || fail "$kind: there is no manifest"
  grep -rqIF -e "$source/" -e "$build/" "$project" &&
    fail "$kind: the project or its build uses the source or build tree"
  # The very lines that `plugin new` printed; the build has nothing left to do.
  sed -n 's/^  //p' "$folder/$project" >"$project/next"
  [[ $(wc -l <"$project/next") == 3 ]] || fail "$kind: next steps: $(cat "$folder/$project")"
  PATH=$prefix/bin:$(dirname "$(command -v "$cmake")"):$PATH bash -e "$project/next" \
    >"$project/run" 2>&1 ||
    { cat "$project/run" >&2; fail "$kind: a step that plugin new prints fails"; }
  grep -q "completed" "$project/run" || fail "$kind: the experiment has no completed trial"
done
(cd my_loss/b && "${cmake%cmake}ctest" --no-tests=error >"$folder/ctest") ||
  { cat "$folder/ctest" >&2; fail "the project's own test fails"; }

# Another aesweep than the one that wrote the project: by -Daesweep_DIR.
mv "$prefix" "$folder/third"
"$cmake" -S my_loss -B again "-Daesweep_DIR=$folder/third/lib/cmake/aesweep" \
  >"$folder/again" 2>&1 ||
  { cat "$folder/again" >&2; fail "aesweep_DIR does not name another aesweep"; }
prefix=$folder/third program=$folder/third/bin/aesweep

# Without Eigen the package says what to install.
if "$cmake" -S my_loss -B eigen "-Daesweep_DIR=$prefix/lib/cmake/aesweep" \
  -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON >"$folder/eigen" 2>&1; then
  fail "a project without Eigen was configured"
fi
tr -s ' \n' '  ' <"$folder/eigen" | grep -q "install libeigen3-dev" ||
  fail "unexpected message: $(cat "$folder/eigen")"

# Flags that would make results depend on the address are refused.
if "$cmake" -S my_loss -B fast "-Daesweep_DIR=$prefix/lib/cmake/aesweep" \
  -DCMAKE_CXX_FLAGS="-O2 -ffast-math" >"$folder/fast" 2>&1; then
  fail "-ffast-math was accepted"
fi
grep -q -e "-ffast-math is in the compiler's flags" "$folder/fast" ||
  fail "unexpected message: $(cat "$folder/fast")"
for command in add_compile_options add_link_options; do
  sed "s/^enable_testing/$command(-O2 -ffast-math)\n&/" my_loss/CMakeLists.txt \
    >"my_loss/CMakeLists.new"
  mkdir -p "$command" && cp my_loss/my_loss.cpp "$command"
  mv my_loss/CMakeLists.new "$command/CMakeLists.txt"
  if "$cmake" -S "$command" -B "$command/b" "-Daesweep_DIR=$prefix/lib/cmake/aesweep" \
    >"$folder/fast" 2>&1; then
    fail "-ffast-math by $command was accepted"
  fi
  grep -q -e "-ffast-math is in the compiler's flags" "$folder/fast" ||
    fail "unexpected message: $(cat "$folder/fast")"
done

# Options of a project are in its manifest; those that come later cannot bring fast-math back.
mkdir late && cp my_loss/my_loss.cpp late
sed "s/^enable_testing/add_compile_options(-DFIRST=1)\n&/" my_loss/CMakeLists.txt \
  >late/CMakeLists.txt
{ "$cmake" -S late -B late/b "-Daesweep_DIR=$prefix/lib/cmake/aesweep" &&
  "$cmake" --build late/b; } >"$folder/late" 2>&1 || { cat "$folder/late" >&2; fail "late"; }
grep -q '^flags: ".*-DFIRST=1.*-fno-fast-math' late/b/libmy_loss.plugin.yaml ||
  fail "the manifest lacks flags: $(cat late/b/libmy_loss.plugin.yaml)"

# Without its templates or plugins the program says so.
rm -r "$prefix/share/aesweep/templates" "$prefix/lib/aesweep"
if "$program" plugin new --kind loss other 2>"$folder/error"; then fail "no template was needed"; fi
[[ ! -e other ]] || fail "a failed plugin new left its folder"
grep -q "share/aesweep/templates/CMakeLists.txt.in" "$folder/error" ||
  fail "unexpected message: $(cat "$folder/error")"
if "$program" plugins 2>"$folder/error"; then fail "plugins without a plugin folder succeeded"; fi
grep -q "plugin folder $prefix/lib/aesweep cannot be listed" "$folder/error" ||
  fail "unexpected message: $(cat "$folder/error")"

#!/usr/bin/env bash
# What starting, planning and ending a trial costs: a sweep of 202 trials of one step each, on one
# rank, less a sweep of two. Prints milliseconds per trial.
#
#   benchmarks/sweep_overhead.sh [BIN]     BIN: folder of the program, default build/release/bin
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=${1:-build/release/bin}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

experiment() {
  cat <<YAML
schema: 1
name: overhead
data: {source: superposition, train_rows: 64, test_rows: 64, cols: 64, atoms: 64}
model:
  loss: mse
  layers:
    - {name: code, kind: dense, units: 64, activation: relu}
    - {name: decoder, kind: dense}
optimizer: {kind: adam, lr: 1.0e-3}
train: {epochs: 1, batch_rows: 64}
parameters:
  train.seed: {min: 1, max: $1, count: $1}
YAML
}

seconds() {
  local start end
  start=$(date +%s.%N)
  "$bin/aesweep" run "$folder/$1.yaml" -o "$folder/$1-$2" >/dev/null 2>&1
  end=$(date +%s.%N)
  awk -v a="$start" -v b="$end" 'BEGIN {print b - a}'
}

experiment 2 >"$folder/few.yaml"
experiment 202 >"$folder/many.yaml"
for round in 1 2 3 4 5; do
  few=$(seconds few "$round")
  many=$(seconds many "$round")
  awk -v few="$few" -v many="$many" 'BEGIN {printf "%.3f\n", (many - few) / 200 * 1000}'
done | sort -n | awk '
  {v[NR] = $1}
  END {
    printf "sweep_overhead %.2f ms per trial (median of %d; %.2f to %.2f)\n",
      v[int((NR + 1) / 2)], NR, v[1], v[NR]
  }'

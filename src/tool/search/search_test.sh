#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber search` end to end, on tiny budgets. usage: search_test.sh LIMBER SOURCE
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
limber=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache

model=$source/models/shapes-incremental.safetensors
expect 0 "Example" "$limber" search --help
expect 2 "either a model, or --architecture and --table" "$limber" search
expect 2 "--output is required" "$limber" search "$model"
expect 2 "go with a model" "$limber" search --architecture a --table jetson-gpu --output x
expect 2 "algorithm" "$limber" search "$model" --output x --algorithm magic
expect 1 "needs the times of blocks" "$limber" search "$model" --objective latency --output "$work/x.safetensors"
expect 1 "missing.json" "$limber" search "$model" --objective latency --blocks "$work/missing.json" --output "$work/x"

# A family of measured members; what was evaluated is in the state file, so the same search ends at once and the same.
quick=(search "$model" --data shapes --images 60 --calibration 40 --members 3 --state "$work/state")
expect 0 "4 members" "$limber" "${quick[@]}" --output "$work/one.safetensors"
cp "$work/state" "$work/complete"
head -n 3 "$work/complete" >"$work/state"  # as if it had been killed then
expect 0 '"measured_ms":' "$limber" "${quick[@]}" --output "$work/two.safetensors" --measure --json
cmp "$work/one.safetensors" "$work/two.safetensors" || failed=1
cmp "$work/state" "$work/complete" || failed=1
expect 0 '"name":"m4"' "$limber" eval "$work/one.safetensors" --data shapes --json
"$limber" eval "$work/one.safetensors" --data shapes --json >"$work/eval.json"
grep -oE '"(stored|top1)":[0-9.e-]+' "$work/eval.json" | sed 's/.*://' | paste - - |
  awk '$1 != $2 { differ = 1 } END { exit differ || NR != 4 }' || { echo "FAILED: stored and measured differ"; failed=1; }

# Latency from a block table of this machine, and measured.
expect 0 "blocks.json: written" "$limber" profile --blocks --seconds 0 --checks 2 "$model" --output "$work/blocks.json"
expect 0 "ms in the table" "$limber" "${quick[@]}" --objective latency --blocks "$work/blocks.json" --measure \
  --output "$work/three.safetensors"

# Published tables, where they are.
expect 1 "--data" env -u LIMBER_DATA "$limber" search --architecture ofa-mobilenetv3-w1.2 --table jetson-gpu
if [ -e "${LIMBER_DATA:-/nonexistent}/jetson-xavier-nx/gpu.json" ]; then
  published=(search --architecture ofa-mobilenetv3-w1.2 --budget 400)
  for algorithm in nsga2 ofa ddpnas random; do
    expect 0 "level 5" "$limber" "${published[@]}" --table jetson-cpu --algorithm $algorithm
  done
  expect 0 '"kind":"predicted"' "$limber" "${published[@]}" --table jetson-gpu --json
  expect 0 "ddpnas" "$limber" "${published[@]}" --table jetson-gpu --compare --seeds 2
  expect 1 "has no dimension" "$limber" search --architecture shapes-ofa --table jetson-gpu
  predictor=$LIMBER_DATA/jetson-xavier-nx/acc_predictor.safetensors
  expect 1 "has no dimension" "$limber" search "$model" --data shapes --predictor "$predictor" --output "$work/x"
elif [ "${LIMBER_REQUIRE_DATA:-0}" = 1 ]; then
  echo "FAILED: no jetson-xavier-nx/gpu.json in LIMBER_DATA, and LIMBER_REQUIRE_DATA is 1"
  failed=1
else
  echo "skipped: the published tables (no jetson-xavier-nx/ in LIMBER_DATA)"
fi

exit $failed

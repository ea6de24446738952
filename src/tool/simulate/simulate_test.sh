#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber simulate` end to end, on few seconds. usage: simulate_test.sh LIMBER SOURCE
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
limber=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

expect 0 "Policies, NAME or NAME:KEY=VALUE" "$limber" simulate --help
expect 1 "give a scenario" "$limber" simulate
expect 1 "no 'nothing' in scenarios/; there are single, story, two-models" "$limber" simulate nothing
expect 1 "no policy 'turbo'" "$limber" simulate single --versus turbo
expect 1 "--only leaves no scenario; there are:" "$limber" simulate single --only camera.period_ms=1
expect 1 "choose one with --only" "$limber" simulate single --trace "$work/x"
expect 1 "legal: a name that ends in .png or .svg" "$limber" simulate single --plot "$work/x.gif"
one=(simulate single --only camera.period_ms=22 --seeds 1)
expect 1 "64 threads; legal: 1 to 8" "$limber" "${one[@]}" --versus schedutil:threads=64
expect 1 "legal: a processor that runs networks" "$limber" "${one[@]}" --versus schedutil:on=gpu
"$limber" "${one[@]}" --versus limber --trace "$work/nowhere/x" >"$work/out" 2>&1 && failed=1
grep -q "mJ/answer" "$work/out" && problem "plays before it sees that the trace cannot be written"
expect 1 "legal: FIRST:COUNT" "$limber" simulate --random many

# A scenario of one's own, with a sweep; the same command gives the same bytes, whatever the threads.
cat >"$work/own.toml" <<TOML
name = "own"
board = "odroid-xu3"
duration_s = 6
warmup_s = 1
seeds = { first = 1, count = 2 }
[[application]]
name = "camera"
model = "models/cifar10-incremental.safetensors"
work_ms = 20.0
work_noise = 0.05
arrivals = { kind = "periodic", period_ms = [33.3, 50], jitter_ms = 0.5 }
deadline = "period"
accuracy_floor = "largest"
[profile]
error = 0.1
TOML
own=(simulate "$work/own.toml" --versus "schedutil,limber,oracle")
expect 0 "camera.period_ms=33.3" "$limber" "${own[@]}"
expect 0 "over 2 scenarios, against schedutil" "$limber" "${own[@]}" --applications
"$limber" "${own[@]}" --json --threads 1 >"$work/one.json"
"$limber" "${own[@]}" --json --threads 3 >"$work/three.json"
cmp "$work/one.json" "$work/three.json" || failed=1
grep -q '"energy_is": "modelled"' "$work/one.json" || problem "modelled energy is not called so"

# What was written can be played again.
expect 0 "own" "$limber" "${own[@]}" --only camera.period_ms=50 --trace "$work/trace.jsonl"
sed -e 's|arrivals = .*|arrivals = { kind = "recorded", file = "'"$work"'/trace.jsonl", policy = "schedutil" }|' \
  -e 's|deadline = "period"|deadline_ms = 50|' "$work/own.toml" >"$work/again.toml"
"$limber" simulate "$work/again.toml" --versus schedutil --seeds 1 --trace "$work/again.jsonl" >/dev/null || failed=1
frames() { grep '"policy":"schedutil"' "$1" | grep -c '"arrival_ms"'; }
[ "$(frames "$work/trace.jsonl")" = "$(frames "$work/again.jsonl")" ] || problem "other frames than those recorded"
# And what `limber run` recorded on this machine.
expect 0 "static" "$limber" run "$source/models/shapes-incremental.safetensors" --policy static:100% --frames 30 \
  --period-ms 20 --quiet --trace "$work/run.jsonl"
sed -e 's|arrivals = .*|arrivals = { kind = "recorded", file = "'"$work"'/run.jsonl" }|' \
  -e 's|deadline = "period"|deadline_ms = 20|' -e 's|warmup_s = 1|warmup_s = 0|' -e 's|20.0|5.0|' \
  "$work/own.toml" >"$work/replay.toml"
expect 0 "of 30 in time" "$limber" simulate "$work/replay.toml" --versus limber --applications --seeds 1
sed 's|run.jsonl|missing.jsonl|' "$work/replay.toml" >"$work/lost.toml"
expect 1 "missing.jsonl" "$limber" simulate "$work/lost.toml"

expect 0 "random-3 on" "$limber" simulate --random 3:2 --versus limber,oracle
if command -v gnuplot >/dev/null; then
  expect 0 "own" "$limber" "${own[@]}" --only camera.period_ms=50 --plot "$work/picture.svg"
  grep -q "</svg>" "$work/picture.svg" || problem "no picture"
else
  echo "SKIPPED: pictures, gnuplot is not installed"
fi
exit $failed

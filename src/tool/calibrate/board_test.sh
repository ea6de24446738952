#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber calibrate board`: the fit of the example, what is refused, a new board, and measuring a folder that looks like
# a machine. usage: board_test.sh LIMBER SOURCE
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
limber=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
xu3=$source/boards/odroid-xu3.json rows=$source/examples/board-measurements.csv
board=("$limber" calibrate board)

expect 0 "Example" "${board[@]}" --help
expect 2 "--output is required" "${board[@]}" "$xu3"
expect 2 "--measurements" "${board[@]}" "$xu3" -o "$work/x.json"
expect 2 "required: a board file, or else --new NAME" "${board[@]}" --measurements "$rows" -o "$work/x.json"
expect 2 "needs --cpus LIST" "${board[@]}" --new mine --measurements "$rows" -o "$work/x.json"
expect 2 "need --measure" "${board[@]}" "$xu3" --measurements "$rows" --power-from x -o "$work/x.json"
expect 2 "excludes --measure" "${board[@]}" --plan --measure

# The example was made from the A7's model with 2 % of noise: the fit finds it again.
fitted=("${board[@]}" "$xu3" --measurements "$rows" --processor A7 --hold-out 1000000)
expect 0 "new.json: written; the power of A7 is calibrated" "${fitted[@]}" -o "$work/new.json"
expect 0 "held out" "${fitted[@]}" -o "$work/new.json"
expect 0 '"core_w_per_ghz_v2":0.077' "${fitted[@]}" -o "$work/new.json" --json
expect 0 '"tau_s":14.' "${fitted[@]}" -o "$work/new.json" --json
expect 0 "limber calibrate board, 2" cat "$work/new.json"
expect 0 "board-measurements.csv: 1.4 % off on average" cat "$work/new.json"
# What was written is a board like any other; without --processor the only one with rows is fitted.
expect 0 "again.json: written" "${board[@]}" "$work/new.json" --measurements "$rows" -o "$work/again.json"

# What is refused leaves no file.
expect 1 "no processor 'A72'; legal: A7, A15, gpu" "${board[@]}" "$xu3" --measurements "$rows" --processor A72 -o "$work/no.json"
expect 1 "no rows; the file has rows of: A7" "${board[@]}" "$xu3" --measurements "$rows" --processor A15 -o "$work/no.json"
expect 1 "has 3 processors" "${fitted[@]}" --whole-board -o "$work/no.json"
expect 1 "2 frequencies to fit; measure at 3 at least" "${fitted[@]}" --hold-out 600000,1200000 -o "$work/no.json"
sed 's/,4,dense,/,four,dense,/' "$rows" >"$work/bad.csv"
expect 1 "bad.csv: line 10, column busy: 'four'; legal: a number" "${board[@]}" "$xu3" --measurements "$work/bad.csv" -o "$work/no.json"
grep -v idle "$rows" >"$work/part.csv"
expect 1 "idle rows at 0 frequencies; measure with no busy core" "${board[@]}" "$xu3" --measurements "$work/part.csv" -o "$work/no.json"
sed 's/A7,200000,1/A15,200000,1/' "$rows" >"$work/two.csv"
expect 2 "the file has rows of A15, A7" "${board[@]}" "$xu3" --measurements "$work/two.csv" -o "$work/no.json"
expect 1 "limber: error:" "${board[@]}" "$xu3" --measurements "$work/none.csv" -o "$work/no.json"
[ -e "$work/no.json" ] && problem "a refused fit left a file"
# Watts that no such model explains are written, but not called calibrated, and a warning says so.
awk -F, -v OFS=, '/^A7/ { $5 *= 1 + (NR * 7 % 13) / 10 } { print }' "$rows" >"$work/poor.csv"
expect 0 "not marked as calibrated" "${board[@]}" "$xu3" --measurements "$work/poor.csv" -o "$work/poor.json"
expect 0 '"calibrated": false' cat "$work/poor.json"

# A board of one's own: points from the rows' volts.
awk -F, -v OFS=, '/^#/ { next } /^processor/ { print $0, "volt"; next }
  { split("200000 0.9195 600000 0.944 1000000 1.0845 1200000 1.16875 1400000 1.253", v, " "); volt = ""
    for (i = 1; i < 10; i += 2) if (v[i] == $2) volt = v[i + 1]
    print $0, volt }' "$rows" >"$work/volts.csv"
mine=("${board[@]}" --new mine --memory-mb-per-s 3000 --cpus 0-3)
expect 0 "the power of A7 is calibrated" "${mine[@]}" --measurements "$work/volts.csv" --whole-board -o "$work/mine.json"
expect 0 '"name": "mine"' cat "$work/mine.json"
expect 1 "column volt: nothing" "${mine[@]}" --measurements "$rows" -o "$work/x.json"
expect 1 "'A7' is there already" "${board[@]}" "$xu3" --cpus 0-3 --measurements "$work/volts.csv" -o "$work/x.json"
sed 's/^A7/big/' "$work/volts.csv" >"$work/big.csv"
expect 0 "the power of big is calibrated" "${board[@]}" "$work/mine.json" --cpus 4-7 --measurements "$work/big.csv" -o "$work/both.json"

# The plan.
expect 0 "frequency 6 of 6: idle, 1 x dense" "${board[@]}" --plan --cores 2
expect 0 "2000000 kHz: idle, 1 x dense, 1 x streams" "${board[@]}" --plan "$xu3" --processor A15
expect 0 '"total_s":708.0,"steps":[{"khz":200000,' "${board[@]}" --plan "$xu3" --processor A15 --points 4 --json

# A folder that looks like a machine with a clock and a meter. A file refuses nothing, so what counts are the values.
cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
policy=$work/root/sys/devices/system/cpu/cpufreq/policy0
zone=$work/root/sys/class/thermal/thermal_zone0
mkdir -p "$policy" "$zone"
echo "$cpu" >"$policy/related_cpus"
echo 600000 1000000 1500000 2000000 >"$policy/scaling_available_frequencies"
echo 600000 >"$policy/scaling_min_freq"
echo 2000000 >"$policy/scaling_max_freq"
echo 45000 >"$zone/temp"
meter="awk '{ print 0.3 + \$1 / 1e6 }' $policy/scaling_max_freq"
measure=("${board[@]}" --measure --processor mine --cpus "$cpu" --sysfs-root "$work/root" --settle 0.05)
quick=("${measure[@]}" --seconds 0.1)
expect 0 "rows.csv: written, 12 rows of mine and 3 of a heating trace" "${quick[@]}" --trace 2 --power-from "$meter" -o "$work/rows.csv"
expect 0 "mine,1500000,,1,dense,1.8,45," cat "$work/rows.csv"
expect 0 "mine,600000,,0,idle,0.9,45," cat "$work/rows.csv"
expect 0 "600000" cat "$policy/scaling_min_freq"
expect 0 "2000000" cat "$policy/scaling_max_freq"
echo 2.5 >"$work/watts"
# Stopped in the middle it puts the limits back and writes nothing.
"${measure[@]}" --seconds 60 --power-from "$work/watts" -o "$work/no.csv" 2>"$work/stopped" &
pid=$!
for ((i = 0; i < 100; ++i)); do
  grep -q 600000 "$policy/scaling_max_freq" && break
  sleep 0.1
done
[ "$i" -lt 100 ] || problem "no frequency was set"
kill -TERM $pid
wait $pid
[ $? -eq 1 ] || problem "interrupted, yet not exit code 1"
expect 0 "interrupted; nothing was written" cat "$work/stopped"
expect 0 "2000000" cat "$policy/scaling_max_freq"
expect 0 '"rows":12,"trace_rows":0' "${quick[@]}" --trace 0 --power-from "$work/watts" -o "$work/rows.csv" --json
expect 1 "exit code 127; legal: a file of watts, or a command" "${quick[@]}" --power-from /no/such/meter -o "$work/no.csv"
expect 1 "is no number of watts" "${quick[@]}" --power-from "echo hot" -o "$work/no.csv"
expect 1 "give a meter with --power-from" "${quick[@]}" -o "$work/no.csv"
# Where the kernel counts, busy cores are those it saw.
mkdir "$work/root/proc"
ln -s /proc/stat "$work/root/proc/stat"
expect 0 '"rows":12' "${board[@]}" --measure --cpus "$cpu" --sysfs-root "$work/root" --seconds 0.4 --settle 0.05 --trace 0 \
  --power-from "$work/watts" -o "$work/busy.csv" --json
awk -F, '$5 == "dense" || $5 == "streams" { ++rows; if ($4 < 0.8 || $4 > 1) exit 1 } END { exit rows != 8 }' "$work/busy.csv" ||
  problem "loaded cores that are not busy: $(cat "$work/busy.csv")"
counter=$work/root/sys/class/powercap/intel-rapl:0
mkdir -p "$counter"
echo package-0 >"$counter/name"
echo 1000 | tee "$counter/energy_uj" >"$counter/max_energy_range_uj"
expect 1 "the meter tells 0 W" "${quick[@]}" --trace 0 -o "$work/no.csv"
rm "$policy/scaling_available_frequencies"
expect 1 "name some with --khz" "${quick[@]}" --power-from "$work/watts" -o "$work/no.csv"
expect 0 '"rows":9' "${quick[@]}" --khz 600000,1000000,2000000 --trace 0 --power-from "$work/watts" -o "$work/rows.csv" --json
echo 77 >"$policy/related_cpus"
expect 1 "legal: CPUs that share a clock: 77" "${quick[@]}" --power-from "$work/watts" -o "$work/no.csv"
rm -r "$policy"
expect 1 "clocks cannot be set" "${quick[@]}" --power-from "$work/watts" -o "$work/no.csv"
[ -e "$work/no.csv" ] && problem "a refused measuring left a file"

exit $failed

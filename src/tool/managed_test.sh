#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# limberd, `limber run --managed` and `limber top` together. usage: managed_test.sh LIMBER LIMBERD MODELS
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 limberd=$2 models=$3
work=$(mktemp -d)
chmod 755 "$work"
export LIMBER_CACHE=$work/cache LIMBERD_SOCKET=$work/new/limberd.sock
server=0
trap '[ $server -ne 0 ] && kill $server 2>/dev/null; wait; rm -rf "$work"' EXIT
shapes=$models/shapes-incremental.safetensors

await() {  # await COMMAND...: up to five seconds
  for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
  problem "not within five seconds: $*"
}
answers() { "$limber" top --json | grep -q '"helper":true'; }
managed() { "$limber" top --json | grep -q '"clients":\[{'; }
free() { "$limber" top --json | grep -q '"clients":\[\]'; }
start() { "$limberd" --boost off 2>>"$work/log" & server=$!; await answers; }
daemon() { "$limber" top --json | grep -oE '"pid":[0-9]+,"power_w"' | grep -oE '[0-9]+'; }

expect 0 "Example" "$limberd" --help
expect 2 "" "$limberd" --nonsense
expect 1 "legal are auto, off, nice=-20..19" "$limberd" --boost much
expect 1 "no such group" "$limberd" --group no-such-group-here --socket "$work/other.sock"
expect 1 "is there and is no file" "$limberd" --boost off --state "$work"
expect 1 "is there and is no socket" "$limberd" --boost off --socket "$work"
expect 2 "no finite number" "$limberd" --power-cap nan
expect 2 "an empty value" "$limberd" --socket ""
expect 1 "no limberd at $LIMBERD_SOCKET" "$limber" top --once
expect 0 "Example" "$limber" top --help
expect 0 "self-managed: no limberd at" "$limber" run "$shapes" --managed --frames 6 --burst 2 --quiet
expect 1 "let managed play alone" "$limber" run "$shapes" --policy dynamic,managed --frames 6
expect 2 "excludes --managed" "$limber" run "$shapes" --managed --policy dynamic --frames 6

start
grep -qF "made the folder $work/new" "$work/log" || problem "limberd made a folder and does not say so: $(cat "$work/log")"
expect 0 "no application is managed" "$limber" top --once
expect 0 "managed by limberd: 30 of 30 frames" "$limber" run "$shapes" --managed --frames 30 --burst 2 --quiet
expect 0 '"frames_managed":12' "$limber" run "$shapes" --managed --frames 12 --burst 2 --quiet --json
await free

# The daemon dies in the middle: the application goes on, and comes back to the next one.
"$limber" run "$shapes" --managed --frames 200 --burst 2 --quiet --json >"$work/run.json" 2>"$work/run.err" &
run=$!
await managed
expect 0 "shapes-incremental" "$limber" top --once
kill -9 "$(daemon)"
wait $server; [ $? -ne 0 ] || problem "limberd was killed and says that all is well"
start
await managed
wait $run || problem "limber run ended with an error: $(cat "$work/run.err")"
grep -q '"connections":2' "$work/run.json" || problem "it did not come back: $(cat "$work/run.json")"
grep -q '"frames":200' "$work/run.json" || problem "frames are missing: $(cat "$work/run.json")"

# An application dies: nothing of it is left.
"$limber" run "$shapes" --managed --frames 2000 --burst 2 --quiet >/dev/null 2>&1 &
run=$!
await managed
kill -9 $run
wait $run 2>/dev/null
await free

kill $server
wait $server || problem "SIGTERM is no failure: $(cat "$work/log")"
server=0
[ -e "$LIMBERD_SOCKET" ] && problem "the socket is still there"
exit $failed

#!/usr/bin/env bash
# One node of a Ray cluster, in the foreground until it is stopped (Ctrl-C, SIGTERM):
#
#   deploy/ray_node.sh head [OPTION...]        on the first machine
#   deploy/ray_node.sh HOST:6379 [OPTION...]   on every other one; HOST is the first
#   deploy/ray_node.sh token                   make the cluster's token, and nothing else
#   deploy/ray_node.sh wait HOST:6379 NODES    return once so many nodes have joined
#
# Further options go to `ray start` (--num-cpus, --num-gpus, --labels, ...). The cluster's token lies
# in the file that RAY_AUTH_TOKEN_PATH names (default ~/.ray/auth_token): the head makes it if there
# is none, every other machine needs the same one. The dashboard answers on the head alone.
set -euo pipefail

export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}"
export RAY_USAGE_STATS_ENABLED=0
export RAY_ENABLE_UV_RUN_RUNTIME_ENV=0
export RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=0   # a job for the CPU hides the GPUs by itself
unset RAY_AUTH_TOKEN   # it would win over the file
umask 077

OBJECT_STORE_BYTES=209715200   # jobs exchange a few hundred bytes, never data

make_token() {
    mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
    [ -s "$RAY_AUTH_TOKEN_PATH" ] ||
        head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$RAY_AUTH_TOKEN_PATH"
    chmod 600 "$RAY_AUTH_TOKEN_PATH"
}

need_token() {
    [ -s "$RAY_AUTH_TOKEN_PATH" ] && return
    echo "ray_node.sh: no token in $RAY_AUTH_TOKEN_PATH; copy the head's file there, mode 600" >&2
    exit 2
}

answers() {   # HOST PORT
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

await_head() {   # HOST:PORT
    for _ in $(seq 300); do
        answers "${1%:*}" "${1##*:}" && return
        sleep 1
    done
    echo "ray_node.sh: no Ray head node answers at $1; start it there, or open its ports" >&2
    exit 1
}

start() {   # at ports that are free: another Ray on this machine may hold the usual ones
    exec ray start --block --disable-usage-stats --object-store-memory="$OBJECT_STORE_BYTES" \
        --dashboard-agent-listen-port=0 --min-worker-port=0 --max-worker-port=0 "$@"
}

await_nodes() {   # HOST:PORT NODES
    await_head "$1"
    need_token
    python - "$1" "$2" <<'PYTHON'
import sys
import time

import ray

ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
deadline = time.monotonic() + 300
while (alive := sum(node["Alive"] for node in ray.nodes())) < int(sys.argv[2]):
    if time.monotonic() > deadline:
        sys.exit(f"ray_node.sh: {alive} of {sys.argv[2]} nodes have joined {sys.argv[1]} in 300 s")
    time.sleep(0.5)
PYTHON
}

case "${1:-}" in
head)
    make_token
    shift
    start --head --port=6379 --dashboard-host=127.0.0.1 "$@"
    ;;
token)
    make_token
    ;;
wait)
    await_nodes "$2" "$3"
    ;;
*:*)
    await_head "$1"
    need_token
    start --address="$1" "${@:2}"
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# A suite on several nodes of a Slurm cluster. From a folder that all nodes see, in which logmark is
# installed as .venv:
#
#   sbatch --nodes=4 deploy/slurm.sh suites/paper.yaml --workdir /scratch/$USER/logmark
#
# The words behind the script go to `logmark run`. On one node (--nodes=1) it needs no more than that.
# Before the time limit the run is stopped and queued again: the next one goes on where it stopped.
#SBATCH --job-name=logmark
#SBATCH --output=logmark-%j.log
#SBATCH --open-mode=append
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
# With GPUs: sbatch --gpus-per-node=4 ...
set -euo pipefail

cd "$SLURM_SUBMIT_DIR"
export PATH="$PWD/.venv/bin:$PATH"
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="$PWD/.ray-token-$SLURM_JOB_ID"
temporary="/tmp/ray-$SLURM_JOB_ID"

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$((6400 + SLURM_JOB_ID % 1000))   # below the ports that Ray gives to workers
address="${nodes[0]}:$port"

options=(--num-cpus="$SLURM_CPUS_PER_TASK")   # what Slurm granted
[ "${SLURM_MEM_PER_NODE:-0}" -eq 0 ] ||
    options+=(--memory=$((SLURM_MEM_PER_NODE * 1048576 * 9 / 10)))

steps=()
driver=""
again=""

on_node() {   # NODE WORD...: start a Ray node there, in the background
    srun --nodes=1 --ntasks=1 --nodelist="$1" deploy/ray_node.sh "${@:2}" "${options[@]}" &
    steps+=($!)
}

await_nodes() {   # fail at once if a node ends instead of joining
    deploy/ray_node.sh wait "$address" "${#nodes[@]}" &
    local waiter=$!
    wait -n "$waiter" "${steps[@]}"
    if kill -0 "$waiter" 2>/dev/null; then
        kill "$waiter"
        exit 1
    fi
}

# shellcheck disable=SC2329 # called by a trap
clean_up() {
    trap '' TERM USR1
    for step in "${steps[@]}"; do
        kill -TERM "$step" 2>/dev/null || true
    done
    wait || true
    srun --ntasks-per-node=1 rm -rf "$temporary" || true
    rm -f "$RAY_AUTH_TOKEN_PATH"
}

# shellcheck disable=SC2329 # called by traps
stop_driver() {
    [ -z "$driver" ] || kill -TERM "$driver" 2>/dev/null || true
}

trap clean_up EXIT
trap stop_driver TERM
trap 'again=yes; stop_driver' USR1

deploy/ray_node.sh token   # mode 600; gone with the job
# The driver runs beside the head: no dashboard is needed.
on_node "${nodes[0]}" head --port="$port" --include-dashboard=false \
    --ray-client-server-port=$((port + 1000)) --temp-dir="$temporary"
for node in "${nodes[@]:1}"; do
    on_node "$node" "$address"
done
await_nodes

logmark run "$@" --address "$address" &
driver=$!
status=0
while kill -0 "$driver" 2>/dev/null; do   # a trapped signal ends `wait`, not the driver
    status=0
    wait "$driver" || status=$?
done
[ -z "$again" ] || scontrol requeue "$SLURM_JOB_ID"
exit "$status"

#!/usr/bin/env bash
# Submit a suite to the cluster whose head runs on this machine, or is reached through a tunnel:
#
#   examples/cluster/submit.sh suite.yaml --workdir /shared/logmark [--store URI]
#
# The folder of this script travels with the job (suite, small data; 500 MiB at most), the words go to
# `logmark run`. The job runs on, whatever becomes of this terminal; Ctrl-C ends the watching only.
set -euo pipefail

export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH="${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}"
export RAY_API_SERVER_ADDRESS="${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}"

ray job submit --working-dir "$(dirname "$0")" -- logmark run "$@"

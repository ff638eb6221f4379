#!/usr/bin/env bash
# Makes up thousands of requests out of the API's description, sends them to a server on the simulator, and fails where one
# is answered with a fault of the server, or with anything that is not described.
#
#   tests/openapi/schemathesis.sh PROGRAM SCHEMATHESIS [ARGUMENTS…]
set -euo pipefail

program=$(realpath "$1")
schemathesis=$(realpath --no-symlinks "$2")
shift 2
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
server="http://127.0.0.1:$port"
key="made-up-for-this-run-$$"
work=$(mktemp -d)
data="/tmp/outdial-schemathesis-$$"

env -u DATABASE_URL -u TWILIO_ACCOUNT_SID PORT="$port" OUTDIAL_HOST=127.0.0.1 OUTDIAL_API_TOKEN="$key" \
    OUTDIAL_DATA_DIR="$data" OUTDIAL_LOG=error "$program" serve > "$work/log" 2>&1 &
running=$!
trap 'kill "$running" 2> /dev/null; wait "$running" || true; rm -rf "$work" "$data"' EXIT
for _ in $(seq 120); do
    curl --silent --fail --output /dev/null "$server/health/ready" && break
    kill -0 "$running" 2> /dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.5
done

api() { curl --silent --show-error --fail --header "Authorization: Bearer $key" "$@"; }
pick() { python3 -c 'import json, sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"; }

# Something has to be there to be asked for: ids that are made up are not found.
settings='{"name": "made up", "agent": {"name": "Ada", "script": {"say": "Hello {{name}}"}}}'
list=$'name,phone\nAda Ames,202-555-0101\nBob Bell,202-555-0102\nCay Cole,12\n'
made=$(api --form "settings=$settings" --form "file=$list;filename=list.csv" "$server/api/v1/campaigns")
campaign=$(pick '["id"]' <<< "$made")
import=$(pick '["import_id"]' <<< "$made")
contact=$(api "$server/api/v1/campaigns/$campaign/contacts" | pick '["contacts"][0]["id"]')
agent=$(api --json '{"name": "Bea", "script": {"say": "Hello"}}' "$server/api/v1/agents" | pick '["id"]')
api --output /dev/null --json '{"phone": "+12025550199"}' "$server/api/v1/suppressions"

of() { printf '[[operations]]\ninclude-path-regex = "^/api/v1/%s"\nexclude-method = "DELETE"\nparameters = { %s }\n' "$@"; }
{
    of 'campaigns/' "id = \"$campaign\", contact = \"$contact\""
    of 'imports/' "id = \"$import\""
    of 'agents/' "id = \"$agent\""
    of 'suppressions/[{]' 'phone = "+12025550199"'
} > "$work/schemathesis.toml"

# It leaves a directory where it runs.
cd "$work"
try() {
    "$schemathesis" --config-file "$work/schemathesis.toml" run "$server/api/openapi.json" \
        --header "Authorization: Bearer $key" --workers 2 --continue-on-failure \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance \
        --checks response_schema_conformance,unsupported_method,ignored_auth "$@"
}

# What streams for ever has no answer that could be read to its end. What takes away the campaign, or the key that all
# of it is asked with, comes last.
try --exclude-path-regex '/events$' --exclude-operation-id delete_campaign --exclude-operation-id revoke_key "$@"
try --include-operation-id delete_campaign --include-operation-id revoke_key "$@"

#!/bin/sh
# Reserve before a call, commit what it used, look at the books. Needs BURSAR_URL and BURSAR_KEY.
set -eu
pool="$BURSAR_URL/v1/pools/curl-$$"
bursar() { curl -sS --fail-with-body -H "authorization: Bearer $BURSAR_KEY" "$@"; echo; }

bursar -X PUT "$pool" --json '{}'
bursar -X PUT "$pool/agents/researcher" --json '{"priority": 3, "max_tokens": 4000}'
bursar -X PUT "$pool/agents/critic" --json '{"priority": 1, "max_tokens": 2000}'

# The researcher asks for more than it has: what is missing comes from the critic, in the same step.
bursar -X POST "$pool/reservations" --json '{"agent": "researcher", "tokens": 5000, "id": "call-1"}'
bursar -X POST "$pool/reservations/call-1/commit" --json '{"tokens": 312}'
bursar "$pool/report"
bursar "$pool/audit"

#!/bin/bash
# Exit code 0 when the node answers the service's account and no shard of the cluster is missing.
set -euo pipefail
printf 'user = "marketplace:%s"\n' "$(cat /run/secrets/opensearch_password)" |
    curl --silent --fail --max-time 8 --config - --cacert /run/secrets/authority \
        'https://localhost:9200/_cluster/health?wait_for_status=yellow&timeout=5s' >/dev/null

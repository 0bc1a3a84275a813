#!/bin/bash
# Lay the configuration into memory, for the image is read-only, and become OpenSearch.
# The one account is the service's; its password comes from a secret and only its hash is kept.
set -euo pipefail
home=/usr/share/opensearch
own=/opt/marketplace

cp -R "$home/config/." "$OPENSEARCH_PATH_CONF/"
cp "$own/opensearch.yml" "$OPENSEARCH_PATH_CONF/opensearch.yml"
cp "$own"/security/*.yml "$OPENSEARCH_PATH_CONF/opensearch-security/"
cp /run/secrets/opensearch_certificate "$OPENSEARCH_PATH_CONF/certificate.pem"
cp /run/secrets/opensearch_key "$OPENSEARCH_PATH_CONF/key.pem"
cp /run/secrets/authority "$OPENSEARCH_PATH_CONF/authority.pem"

password=$(cat /run/secrets/opensearch_password)
hash=$(PASSWORD=$password bash "$home/plugins/opensearch-security/tools/hash.sh" -env PASSWORD | tail -n 1)
cat >"$OPENSEARCH_PATH_CONF/opensearch-security/internal_users.yml" <<END
_meta:
  type: internalusers
  config_version: 2
marketplace:
  hash: "$hash"
  reserved: true
END
unset password

exec "$home/bin/opensearch"

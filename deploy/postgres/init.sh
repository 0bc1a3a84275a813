#!/bin/bash
# Run once, by the image, on an empty volume: the service owns its database and is no superuser.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\set password `cat /run/secrets/database_password`
CREATE ROLE marketplace LOGIN PASSWORD :'password';
CREATE DATABASE marketplace OWNER marketplace;
REVOKE ALL ON DATABASE marketplace FROM PUBLIC;
SQL

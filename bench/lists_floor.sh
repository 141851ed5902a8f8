#!/usr/bin/env bash
# What MariaDB needs at least for the first five rows of 25 lists, beside a page of 25 rows: one range over just these rows, without any limit for
# each list. docs/decisions/0017-lists-inside-records.md cites it. Uses a database of its own on the machine's MariaDB.
set -euo pipefail
sql() { mariadb --skip-column-names "$@"; }
trap 'sql -e "DROP DATABASE IF EXISTS guichet_floor"' EXIT
sql <<'SQL'
DROP DATABASE IF EXISTS guichet_floor;
CREATE DATABASE guichet_floor;
USE guichet_floor;
CREATE TABLE services (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, uuid CHAR(36), customer_id BIGINT UNSIGNED, product_id BIGINT UNSIGNED,
  name VARCHAR(255), type VARCHAR(50), price DECIMAL(10,2), status ENUM('active', 'suspended'), billing VARCHAR(20),
  expires_at DATETIME, KEY (product_id)
);
INSERT INTO services SELECT NULL, uuid(), seq % 10000 + 1, seq * 7919 % 500 + 1, concat('service ', seq), 'none', 5, 'active', 'monthly', now()
FROM seq_1_to_50000;
ANALYZE TABLE services;
SQL
columns='id, uuid, customer_id, product_id, name, type, price, status, billing, expires_at'
keys=$(seq -s ', ' 100 124)
union=$(for key in $(seq 100 124); do
  printf '%s(SELECT %s FROM services WHERE product_id = %s ORDER BY id LIMIT 6)' "$([ "$key" = 100 ] || echo ' UNION ALL ')" "$columns" "$key"
done)
declare -A statements=(
  [page]="SELECT $columns FROM services ORDER BY id LIMIT 25"
  [range]="SELECT $columns FROM services FORCE INDEX (product_id) WHERE product_id IN ($keys) AND id <= 3000"
  [union]="$union"
)
for name in page range union; do
  best=''
  for _ in 1 2 3 4 5; do
    took=$( { echo "PREPARE statement FROM '${statements[$name]}'; SET @begun = now(6);"
      for _ in $(seq 400); do echo 'EXECUTE statement;'; done
      echo "SELECT timestampdiff(microsecond, @begun, now(6)) DIV 400;"; } | sql guichet_floor | tail -n 1)
    if [ -z "$best" ] || [ "$took" -lt "$best" ]; then best=$took; fi
  done
  [ "$name" != page ] || page=$best
  echo "$name: $best us, $(awk "BEGIN { printf \"%.1f\", $best / $page }") times the page"
done

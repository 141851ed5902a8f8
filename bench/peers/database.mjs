// The shop's database, MariaDB or PostgreSQL, behind one way to ask. Both drivers read times in the zone of the process,
// which `moment.mjs` sets.

import mysql from "mysql2";
import pg from "pg";

const CONNECTIONS = 10;

// Opens the database that the URL names.
//
// Statements are written with `?` for a value. `query` runs one with its values. `among` runs one that has a single
// `IN (?)`, with any number of whole numbers for it. Both prepare each statement once on each connection.
export function open(url) {
  const scheme = url.slice(0, url.indexOf(":"));
  switch (scheme) {
    case "mysql":
    case "mariadb":
      return mariadb(url.replace(scheme, "mysql"));
    case "postgres":
    case "postgresql":
    case "pgsql":
      return postgresql(url.replace(scheme, "postgres"));
    default:
      throw new Error(`no database has URLs that begin with ${scheme}:`);
  }
}

function mariadb(uri) {
  // Not `mysql2/promise`: it takes a stack trace with each call.
  const pool = mysql.createPool({ uri, connectionLimit: CONNECTIONS });
  const query = (sql, values) =>
    new Promise((resolve, reject) => {
      pool.execute(sql, values, (error, rows) => (error ? reject(error) : resolve(rows)));
    });
  const among = (sql, ids) => {
    // One prepared statement serves all numbers of ids up to a power of two.
    const places = 2 ** Math.ceil(Math.log2(ids.length));
    const values = ids.concat(Array(places - ids.length).fill(ids[0]));
    return query(sql.replace("IN (?)", `IN (?${", ?".repeat(places - 1)})`), values);
  };
  // Rows without a value come first in ascending order, last in descending order.
  return { query, among, order: (column, direction) => `${column} ${direction}` };
}

function postgresql(connectionString) {
  // Keys and counts are `bigint`, which `pg` gives as text otherwise.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
  const named = new Map();
  const run = async (sql, values) => {
    let statement = named.get(sql);
    if (statement === undefined) {
      let place = 0;
      const text = sql.replace("IN (?)", "= ANY(?)").replaceAll("?", () => `$${++place}`);
      statement = { name: `statement${named.size}`, text };
      named.set(sql, statement);
    }
    return (await pool.query({ ...statement, values })).rows;
  };
  return {
    query: run,
    among: (sql, ids) => run(sql, [ids]),
    // The same order as on MariaDB.
    order: (column, direction) => `${column} ${direction} NULLS ${direction === "ASC" ? "FIRST" : "LAST"}`,
  };
}

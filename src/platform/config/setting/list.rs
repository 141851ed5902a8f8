//! Every setting, in groups: name, default, accepted values, meaning.

use super::{DATABASE_URLS, SettingGroup, open, secret};

const FOLDER: &str = "the path of a folder";
const WHOLE: &str = "a whole number from 1";
const SECONDS: &str = "a number of seconds from 1";
const ANY: &str = "a text";
const BYTES: &str = "a number of bytes from 1024";
const SPAN: &str = "seconds from 0.1 to 86400";
const COLLECTOR: &str = "a URL that begins with http:// or https://";
const MILLISECONDS: &str = "a number of milliseconds from 1";
const SWITCH: &str = "1, true, 0 or false";

/// Every setting, in the order of the help.
pub const SETTINGS: &[SettingGroup] = &[
    SettingGroup {
        title: "Server",
        settings: &[
            open(
                "GUICHET_LISTEN",
                "127.0.0.1:8080",
                "an IP address and port such as 0.0.0.0:8080",
                "address to listen on",
            ),
            open(
                "GUICHET_TRUSTED_PROXIES",
                "",
                "a comma list of IP addresses and CIDR ranges",
                "proxies that are believed: X-Forwarded-For, -Host and -Proto, X-Request-Id; they may open any number of \
                 connections",
            ),
            open(
                "FRONTEND_URL",
                "http://localhost:3000",
                "a URL that begins with http:// or https://, or *",
                "origin that browsers may call from (CORS)",
            ),
            open(
                "GUICHET_CORS_ORIGINS",
                "",
                "a comma list of origins such as https://shop.example, or *",
                "further origins that browsers may call from, besides FRONTEND_URL",
            ).since("0.2.0"),
            open(
                "GUICHET_COMPRESSION",
                "1",
                SWITCH,
                "0 = do not compress answers, where a proxy does it",
            ).since("0.2.0"),
            open(
                "GUICHET_READ_ONLY",
                "0",
                SWITCH,
                "1 = write nothing at all, not even when a key was last used, and refuse every write (serve --read-only)",
            ),
            open("GUICHET_DEMO_DIR", "./demo", FOLDER, "folder of the shop that serve --demo makes"),
        ],
    },
    SettingGroup {
        title: "Shop",
        settings: &[
            secret(
                "APP_KEY",
                "base64: and 32 bytes in Base64, or 32 characters",
                "the shop's key: server credentials, recovery codes, signed links",
            ),
            secret(
                "APP_PREVIOUS_KEYS",
                "a comma list of keys, each as APP_KEY",
                "keys that the shop had before; they still open what was encrypted with them",
            ),
            open(
                "APP_URL",
                "http://localhost",
                "a URL that begins with http:// or https://",
                "address of the shop, used in links",
            ),
            open(
                "APP_ENV",
                "production",
                "a word such as production or local",
                "production makes printed links https",
            ),
            open("APP_FORCE_HTTPS", "1", SWITCH, "0 = leave links as APP_URL says, in production too"),
            open("APP_NAME", "CLIENTXCMS", ANY, "name of the shop in mails and codes"),
            open("APP_LOCALE", "fr", "fr or en", "language of messages"),
            open(
                "APP_TIMEZONE",
                "Europe/Paris",
                "a time zone name such as Europe/Paris",
                "zone of the times stored in the database",
            ),
            open(
                "GUICHET_STORAGE",
                "./storage",
                FOLDER,
                "folder for uploaded images and attachments; its folder public is answered below /storage/",
            ),
            open(
                "STORE_FIXED_VAT_RATE",
                "",
                "a percentage from 0 to 100",
                "one VAT rate for all customers; empty or 0 = by country",
            ),
            open("GUICHET_LICENSE_FILE", "", "the path of a JSON file", "what the license route answers"),
            open(
                "GUICHET_DISCORD_ROLE",
                "active",
                "linked, active or any",
                "customers who hold the role in the Discord server: linked = all that are linked, active = those \
                 with an active service, any = those who ever had a service",
            ),
        ],
    },
    SettingGroup {
        title: "Mails and webhooks",
        settings: &[
            open(
                "GUICHET_MAIL",
                "off",
                "off, or smtp with a MAIL_FROM_ADDRESS",
                "smtp = mails that guichet causes are sent through the server of MAIL_*; off = they are only written into the \
                 table email_messages",
            )
            .since("0.3.0"),
            open("MAIL_HOST", "127.0.0.1", "a host name", "mail server; MAIL_* are read where GUICHET_MAIL is smtp")
                .since("0.3.0"),
            open("MAIL_PORT", "2525", "a port from 1 to 65535", "port of the mail server").since("0.3.0"),
            open(
                "MAIL_SCHEME",
                "",
                "smtp or smtps",
                "smtps = TLS from the first byte on, as with port 465; without it STARTTLS, which is demanded where a password \
                 is sent to another machine",
            )
            .since("0.3.0"),
            open("MAIL_ENCRYPTION", "", "tls, starttls or ssl", "tls = demand STARTTLS, ssl = as MAIL_SCHEME=smtps")
                .since("0.3.0"),
            open("MAIL_USERNAME", "", ANY, "user of the mail server").since("0.3.0"),
            secret("MAIL_PASSWORD", ANY, "password of that user").since("0.3.0"),
            open(
                "MAIL_FROM_ADDRESS",
                "",
                "an e-mail address",
                "sender of the mails; GUICHET_MAIL=smtp needs one",
            )
            .since("0.3.0"),
            open("MAIL_FROM_NAME", "", ANY, "name of the sender; without it APP_NAME").since("0.3.0"),
            open(
                "MAIL_EHLO_DOMAIN",
                "",
                "a host name",
                "name by which guichet introduces itself to the mail server; without it the machine's",
            )
            .since("0.3.0"),
            open(
                "GUICHET_MAIL_CA",
                "",
                "the path of a file that is there",
                "certificates that the mail server's is signed by, in place of the system's (PEM)",
            )
            .since("0.3.0"),
            open(
                "GUICHET_WEBHOOK_ALLOW",
                "",
                "a comma list of IP addresses and CIDR ranges",
                "networks that webhooks may go to although they are not of the internet, such as 10.1.0.0/16",
            )
            .since("0.3.0"),
            secret(
                "GUICHET_WEBHOOK_SECRET",
                "whsec_ and Base64, or any other text of at least 24 letters",
                "key that webhooks are signed with (Standard Webhooks); without it they are not signed",
            )
            .since("0.3.0"),
        ],
    },
    SettingGroup {
        title: "Database",
        settings: &[
            secret(
                "DATABASE_URL",
                DATABASE_URLS,
                "the database as one URL (also DB_URL), of several hosts with commas; wins over the DB_* parts",
            ),
            open("DB_CONNECTION", "mysql", "mysql, mariadb, pgsql or sqlite", "kind of database"),
            open(
                "DB_HOST",
                "127.0.0.1",
                "a host name, or several with commas, each with a port or without",
                "host of the database; of several, the first that takes writes is used",
            ),
            open("DB_PORT", "", "a port from 1 to 65535", "port of the database; without it 3306, PostgreSQL 5432"),
            open(
                "DB_DATABASE",
                "clientxcms",
                "a name, for SQLite a path",
                "name of the database, for SQLite the path of its file",
            ),
            open("DB_USERNAME", "root", ANY, "user of the database"),
            secret("DB_PASSWORD", ANY, "password of that user"),
            open(
                "DB_SOCKET",
                "",
                "the path of a socket",
                "Unix socket of MySQL or PostgreSQL (its folder) in place of host and port",
            ),
            open(
                "DB_SSLMODE",
                "",
                "disable, allow, prefer, require, verify-ca or verify-full",
                "encryption of the connection to the database; without it TLS where the server offers it, and \
                 verify-ca with a certificate authority",
            ),
            open(
                "DB_SSLROOTCERT",
                "",
                "the path of a file that is there",
                "certificate authority of the PostgreSQL server (PEM)",
            ),
            open(
                "MYSQL_ATTR_SSL_CA",
                "",
                "the path of a file that is there",
                "certificate authority of the MySQL server (PEM)",
            ),
            open(
                "GUICHET_POOL",
                "",
                "a whole number from 1",
                "database connections; without it 3 on SQLite, else 10",
            ),
            open(
                "GUICHET_SYNC_WAIT",
                "true",
                SWITCH,
                "whether reads on a Galera cluster of several DB_HOST wait for what other nodes have committed",
            ).since("0.2.0"),
            secret(
                "DATABASE_READ_URL",
                "a URL as DATABASE_URL does, of the same kind of database",
                "replicas that are read from where an answer may lag behind; several hosts with commas",
            ),
            open(
                "GUICHET_REPLICA_LAG",
                "5",
                "seconds from 0 to 3600",
                "how long after a write its account reads from the primary: more than the replica lags behind",
            ),
        ],
    },
    SettingGroup {
        title: "Keys and sessions",
        settings: &[
            open(
                "SANCTUM_TOKEN_EXPIRATION",
                "43200",
                "a number of minutes, or nothing",
                "age at which every key ends, 0 or empty = never",
            ),
            open(
                "GUICHET_STRICT_INCLUDES",
                "0",
                SWITCH,
                "1 = an include needs the ability of the included resource too",
            ),
            open(
                "GUICHET_HIDE_SERVER_CREDENTIALS",
                "0",
                SWITCH,
                "1 = REST answers null for the user names and passwords of servers",
            )
            .since("0.3.0"),
            open(
                "GUICHET_FAILED_KEY_LIMIT",
                "60",
                "a whole number",
                "wrong keys a minute that one address may try, 0 = no limit; valid keys are never held back by it",
            ).since("0.2.0"),
            open(
                "GUICHET_SIGN_IN_LIMIT",
                "10",
                "a whole number",
                "sign-ins tried a minute, for each address and each account (half of them by one address), 0 = no limit",
            ),
            open("GUICHET_ACCESS_TOKEN_TTL", "900", SECONDS, "how long an access token is good"),
            open("GUICHET_SESSION_TTL", "2592000", SECONDS, "how long after signing in a session ends for good"),
            open(
                "GUICHET_JWT_KEY",
                "",
                "the path of a PEM file",
                "Ed25519 key that signs access tokens, made if it is not there; without it guichet-jwt.pem beside \
                 the storage folder",
            ),
            open("GUICHET_JWT_OLD_KEYS", "", FOLDER, "PEM files of former keys, whose access tokens are still good"),
            open(
                "BCRYPT_ROUNDS",
                "12",
                "a whole number from 4 to 16",
                "cost of the hashes of passwords that are written, as a power of two",
            ).since("0.2.0"),
            open(
                "GUICHET_PASSWORD_WORKERS",
                "2",
                WHOLE,
                "passwords that are hashed or compared at the same time: each takes a processor, and up to 64 MiB where \
                 the shop uses argon2",
            ).since("0.2.0"),
            open(
                "GUICHET_PASSWORD_QUEUE",
                "16",
                "a whole number",
                "passwords that wait for that; further ones are answered with 503",
            ).since("0.2.0"),
        ],
    },
    SettingGroup {
        title: "Rate limits",
        settings: &[
            open(
                "GUICHET_RATE_LIMIT",
                "60",
                "a whole number",
                "requests a minute for each account or address, 0 = no limit",
            ),
            open(
                "GUICHET_COST_LIMIT",
                "200000",
                "a whole number",
                "points a minute for each account or address, on both faces, 0 = no limit",
            ),
            open(
                "GUICHET_THROTTLE",
                "memory",
                "memory or redis",
                "where requests, points and tries to sign in are counted: memory = each process for itself, redis = all \
                 processes together on the server of REDIS_*",
            ),
            secret(
                "REDIS_URL",
                "redis://, tcp:// or unix:// and the rest of a URL; no TLS",
                "the Redis server as one URL; what it names wins over the other REDIS_*",
            ),
            open(
                "REDIS_HOST",
                "127.0.0.1",
                "a host name or the path of a socket; no TLS",
                "host of the Redis server",
            ),
            open("REDIS_PORT", "6379", "a port from 0 to 65535", "port of the Redis server"),
            open("REDIS_USERNAME", "", ANY, "user of the Redis server, where it knows several"),
            secret("REDIS_PASSWORD", ANY, "password of that user"),
            open("REDIS_DB", "0", "a whole number", "number of the database on the Redis server"),
            open(
                "REDIS_PREFIX",
                "",
                ANY,
                "what every key begins with; without it the shop's name, as the original has it",
            ),
        ],
    },
    SettingGroup {
        title: "Requests and lists",
        settings: &[
            open(
                "GUICHET_TIMEOUT",
                "30",
                "seconds from 0.1 to 3600",
                "how long a request may take from its last byte on, and each of its SQL statements, before the answer is 503",
            ),
            open("GUICHET_MAX_BODY", "8388608", BYTES, "largest request body"),
            open(
                "GUICHET_MAX_FIELDS_BODY",
                "262144",
                BYTES,
                "largest REST request body where no file is expected; where files are, their largest sizes are added",
            ).since("0.2.0"),
            open(
                "GUICHET_MAX_ELEMENTS",
                "50000",
                WHOLE,
                "values in a JSON or XML body, those of unknown JSON fields left out, and in a GraphQL request's JSON",
            ).since("0.2.0"),
            open(
                "GUICHET_MAX_BODY_DEPTH",
                "128",
                "a whole number from 1 to 128",
                "how deep a JSON body nests that is read; a deeper one counts as empty or malformed",
            ).since("0.2.0"),
            open("GUICHET_MAX_FIELDS", "1000", WHOLE, "fields of a form or query that are read").since("0.2.0"),
            open("GUICHET_MAX_PER_PAGE", "1000", "a whole number from 1", "largest page that a list answers"),
            open(
                "GUICHET_COUNT_TTL",
                "1",
                "seconds from 0 to 1",
                "how long the total of a list may be remembered, and where pages behind its first 1,000 rows begin, 0 = always \
                 count",
            ),
            open("GUICHET_MAX_RUNNING", "32", WHOLE, "requests that run at the same time").since("0.2.0"),
            open(
                "GUICHET_MAX_WAITING",
                "256",
                "a whole number",
                "requests that wait for others to end, up to a second; further ones are answered with 503 at once, and so is \
                 whoever finds no place under lasting load",
            ).since("0.2.0"),
        ],
    },
    SettingGroup {
        title: "GraphQL",
        settings: &[
            open(
                "GUICHET_INTROSPECTION",
                "always",
                "always, key or never",
                "who may ask for the GraphQL schema itself: everybody, whoever has a valid key, or nobody",
            ).since("0.2.0"),
            open(
                "GUICHET_TRUSTED_DOCUMENTS",
                "",
                "the path of a folder of .graphql files or of a JSON manifest",
                "GraphQL operations that are trusted",
            ),
            open(
                "GUICHET_TRUSTED_MODE",
                "off",
                "off, log or only",
                "GraphQL operations that are not trusted: off = are run like others, log = are run and logged, only = are \
                 refused",
            ),
            open(
                "GUICHET_OPERATION_TIMEOUT",
                "30",
                "seconds from 0.01",
                "how long one GraphQL operation may take, where that is less than GUICHET_TIMEOUT",
            ),
            open("GUICHET_MAX_LIST", "100", WHOLE, "longest page of a GraphQL list"),
            open("GUICHET_MAX_DEPTH", "12", WHOLE, "deepest GraphQL query that is run"),
            open(
                "GUICHET_MAX_INTROSPECTION_DEPTH",
                "20",
                WHOLE,
                "deepest question about the GraphQL schema itself that is answered",
            ),
            open("GUICHET_MAX_COMPLEXITY", "20000", WHOLE, "points that one GraphQL query may cost"),
            open("GUICHET_MAX_ALIASES", "30", "a whole number", "aliases in a GraphQL document"),
            open("GUICHET_MAX_ROOT_FIELDS", "20", WHOLE, "fields at the root of a GraphQL operation"),
            open("GUICHET_MAX_DIRECTIVES", "50", "a whole number", "directives in a GraphQL document"),
            open(
                "GUICHET_MAX_TOKENS",
                "5000",
                WHOLE,
                "words and signs of a GraphQL document, and its fields once fragments are spread",
            ),
            open("GUICHET_MAX_QUERY_BODY", "1048576", BYTES, "largest GraphQL request without files"),
            open("GUICHET_KEYLESS_QUERY_BODY", "65536", BYTES, "largest GraphQL request without a valid key").since("0.2.0"),
            open(
                "GUICHET_KEYLESS_TOKENS",
                "1000",
                WHOLE,
                "words and signs of a GraphQL document, and values in its variables, without a valid key",
            ).since("0.2.0"),
        ],
    },
    SettingGroup {
        title: "Connections",
        settings: &[
            open(
                "GUICHET_MAX_CONNECTIONS",
                "4096",
                WHOLE,
                "open connections in all, fewer where the process may open fewer files; the one that has been idle for \
                 longest makes room for a new one",
            ).since("0.2.0"),
            open(
                "GUICHET_MAX_CONNECTIONS_PER_ADDRESS",
                "2048",
                WHOLE,
                "open connections of one address; trusted proxies are exempt",
            ).since("0.2.0"),
            open("GUICHET_HEADER_TIMEOUT", "10", SPAN, "how long a client may take to send the head of a request").since("0.2.0"),
            open(
                "GUICHET_BODY_TIMEOUT",
                "15",
                SPAN,
                "how long a client may send nothing of a body, or take nothing of an answer",
            ).since("0.2.0"),
            open(
                "GUICHET_MIN_RATE",
                "500",
                "a number of bytes a second, 0 = none",
                "how slow a body and an answer may be that take longer than GUICHET_BODY_TIMEOUT",
            ).since("0.2.0"),
            open("GUICHET_KEEP_ALIVE", "75", SPAN, "how long an open connection may wait for its next request").since("0.2.0"),
            open(
                "GUICHET_GRACE",
                "5",
                SPAN,
                "how long a request that is only half received may take when the server stops",
            ).since("0.2.0"),
        ],
    },
    SettingGroup {
        title: "Log, metrics and traces",
        settings: &[
            open("GUICHET_LOG_FORMAT", "json", "json or text", "how the log on standard error is written"),
            open(
                "GUICHET_REQUEST_LOG",
                "1",
                SWITCH,
                "1 = the log has a line for each request: operation, status, duration, key's number, points, statements",
            ),
            open(
                "GUICHET_METRICS_LISTEN",
                "",
                "an IP address and port such as 127.0.0.1:9464",
                "address of its own for /metrics (Prometheus), which asks for no key: let only the operator reach it",
            ),
            open(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "",
                COLLECTOR,
                "OpenTelemetry collector of traces, sent to /v1/traces below it by a build with the feature otlp",
            ),
            open(
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                "",
                COLLECTOR,
                "the same with its whole path; wins over the other",
            ),
            open(
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                "http/protobuf",
                "http/json, http/protobuf",
                "how traces are written; a collector takes both at the same address",
            ),
            open(
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "",
                "the path of a PEM file",
                "authorities that may have signed the collector's certificate; without it those of the system",
            )
            .since("0.2.0"),
            secret(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "a comma list of name=value, percent-encoded",
                "headers of each request to the collector",
            ),
            open("OTEL_EXPORTER_OTLP_TIMEOUT", "10000", MILLISECONDS, "how long such a request may take"),
            open("OTEL_BSP_SCHEDULE_DELAY", "5000", MILLISECONDS, "how long spans wait for others to be sent with"),
            open("OTEL_SERVICE_NAME", "guichet", ANY, "name of this server in traces"),
            open(
                "OTEL_RESOURCE_ATTRIBUTES",
                "",
                "a comma list of name=value, percent-encoded",
                "more that traces tell of this server",
            ),
            open(
                "OTEL_TRACES_SAMPLER",
                "parentbased_always_on",
                "always_on, always_off or traceidratio, each also after parentbased_",
                "which requests are traced; parentbased_ = as the caller has decided, where it is in a trace",
            ),
            open(
                "OTEL_TRACES_SAMPLER_ARG",
                "1",
                "a number from 0 to 1",
                "part of the requests that traceidratio takes",
            ),
        ],
    },
    SettingGroup {
        title: "The shop's own server",
        settings: &[
            open(
                "GUICHET_UPSTREAM",
                "",
                "http:// or https:// with a host and perhaps a port, or unix: with the path of a socket",
                "the shop's own server: requests below /api that have no route here are passed on to it",
            ).since("0.2.0"),
            open(
                "GUICHET_PASS",
                "",
                "a comma list of a method and a path each such as POST /api/client/*, where GUICHET_UPSTREAM is set",
                "routes that are passed on although they are answered here; * stands for any method, and in a path for any \
                 letters",
            ).since("0.2.0"),
            open(
                "GUICHET_UPSTREAM_SCOPE",
                "api",
                "api or all",
                "all = every path that is not of guichet is passed on, not only those below /api",
            ).since("0.2.0"),
            open(
                "GUICHET_UPSTREAM_CA",
                "",
                "the path of a PEM file",
                "certificates that an https:// upstream's is signed by, in place of the system's",
            ).since("0.2.0"),
            open(
                "GUICHET_UPSTREAM_CONNECT_TIMEOUT",
                "5",
                SPAN,
                "how long opening a connection to the upstream may take before the answer is 504",
            ).since("0.2.0"),
            open(
                "GUICHET_UPSTREAM_TIMEOUT",
                "60",
                SPAN,
                "how long the upstream may take nothing of a request, or begin no answer, before the answer is 504",
            ).since("0.2.0"),
            open(
                "GUICHET_UPSTREAM_IDLE_TIMEOUT",
                "60",
                SPAN,
                "how long the upstream may send nothing of an answer that has begun before it is cut off",
            ).since("0.2.0"),
            open(
                "GUICHET_SHADOW",
                "0",
                "a number from 0 to 1, above 0 only where GUICHET_UPSTREAM is set",
                "part of the GET requests answered here whose answer is compared with the upstream's: see guichet shadow",
            ).since("0.2.0"),
            open("GUICHET_SHADOW_MAX", "4", WHOLE, "answers that are compared at the same time; others are left out").since("0.2.0"),
            open(
                "GUICHET_SHADOW_PATIENCE",
                "2",
                "seconds from 0.1 to 60",
                "how long the upstream may take for an answer to compare, before none is compared for a minute",
            ).since("0.2.0"),
            open(
                "GUICHET_SHADOW_VALUES",
                "0",
                SWITCH,
                "1 = keep the values that differ too, which may be personal data, not only where they are",
            ).since("0.2.0"),
            open(
                "GUICHET_SHADOW_FILE",
                "",
                "the path of a file",
                "file of what was found; without it guichet-shadow.json beside GUICHET_STORAGE",
            ).since("0.2.0"),
            open("GUICHET_UPSTREAM_MAX", "256", WHOLE, "requests that are passed on at the same time").since("0.2.0"),
        ],
    },
];

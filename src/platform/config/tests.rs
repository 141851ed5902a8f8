use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_env(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())))
}

#[test]
fn an_empty_environment_gives_the_documented_defaults() {
    let config = Config::default();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.rate_limit, Some(60));
    assert_eq!(config.max_per_page, 1000);
    assert_eq!(config.count_ttl, Duration::from_secs(1));
    assert_eq!(config.lang, Lang::Fr);
    assert_eq!(config.timezone, Tz::Europe__Paris);
    assert_eq!(config.token_expiration, Some(Duration::from_secs(43_200 * 60)));
    assert_eq!(config.fixed_vat_rate, None);
    assert_eq!(config.pool_size(), 10);
}

#[test]
fn values_are_taken() -> Result<(), ConfigError> {
    let config = read(&[
        ("GUICHET_LISTEN", "[::1]:9000"),
        ("GUICHET_RATE_LIMIT", "0"),
        ("GUICHET_COUNT_TTL", "0.25"),
        ("GUICHET_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,::1"),
        ("GUICHET_STRICT_INCLUDES", "true"),
        ("APP_URL", "https://shop.example/"),
        ("APP_LOCALE", "en"),
        ("SANCTUM_TOKEN_EXPIRATION", ""),
        ("STORE_FIXED_VAT_RATE", "5.5"),
        ("GUICHET_POOL", "null"),
        ("UNRELATED", "x"),
    ])?;
    assert_eq!(config.listen.port(), 9000);
    assert_eq!(config.rate_limit, None);
    assert_eq!(config.count_ttl, Duration::from_millis(250));
    assert_eq!(config.trusted_proxies.len(), 3);
    assert!(config.strict_includes);
    assert_eq!(config.app_url, "https://shop.example");
    assert_eq!(config.lang, Lang::En);
    assert_eq!(config.token_expiration, None);
    assert_eq!(config.fixed_vat_rate, Some(5.5));
    assert_eq!(config.pool, None);
    Ok(())
}

#[test]
fn every_wrong_value_is_told_and_the_others_are_taken() {
    let read = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let (config, refused) = Config::with_defaults_for_refused(variables);
        (config, refused.iter().map(|error| error.variable).collect::<Vec<_>>())
    };
    let (config, refused) = read(&[
        ("APP_LOCALE", "de"),
        ("APP_NAME", "My shop"),
        ("APP_KEY", "short"),
        ("GUICHET_LISTEN", "8080"),
        ("DB_PORT", "70000"),
        ("DB_SSLMODE", "sometimes"),
        ("GUICHET_THROTTLE", "redis"),
        ("REDIS_URL", "http://a"),
        ("REDIS_PORT", "x"),
    ]);
    assert_eq!(
        refused,
        ["GUICHET_LISTEN", "REDIS_URL", "REDIS_PORT", "DB_PORT", "DB_SSLMODE", "APP_KEY", "APP_LOCALE"]
    );
    assert_eq!((config.app_name.as_str(), config.lang), ("My shop", Lang::Fr));
    // What only another value makes wrong is not told while that one is.
    let (_, refused) = read(&[
        ("DATABASE_URL", "oracle://a"),
        ("DATABASE_READ_URL", "pgsql://b/shop"),
        ("GUICHET_UPSTREAM", "shop.example"),
        ("GUICHET_PASS", "GET /api"),
    ]);
    assert_eq!(refused, ["GUICHET_UPSTREAM", "DATABASE_URL"]);
    assert_eq!(read(&[("APP_NAME", "a")]).1, [""; 0]);
}

#[test]
fn wrong_values_are_refused_in_one_line_that_names_them() {
    for (name, value) in [
        ("GUICHET_LISTEN", "8080"),
        ("GUICHET_RATE_LIMIT", "-1"),
        ("GUICHET_MAX_PER_PAGE", "0"),
        ("GUICHET_COUNT_TTL", "1.5"),
        ("GUICHET_COUNT_TTL", "NaN"),
        ("GUICHET_TRUSTED_PROXIES", "10.0.0.0/8,nowhere"),
        ("GUICHET_STRICT_INCLUDES", "maybe"),
        ("GUICHET_MAX_BODY", "8 MB"),
        ("GUICHET_TIMEOUT", "0"),
        ("GUICHET_READ_ONLY", "perhaps"),
        ("GUICHET_LOG_FORMAT", "xml"),
        ("GUICHET_REQUEST_LOG", "maybe"),
        ("GUICHET_METRICS_LISTEN", "9464"),
        ("DB_SSLMODE", "sometimes"),
        ("MYSQL_ATTR_SSL_CA", "/nowhere/ca.pem"),
        ("DB_CONNECTION", "oracle"),
        ("DB_PORT", "70000"),
        ("APP_URL", "shop.example"),
        ("APP_LOCALE", "de"),
        ("APP_TIMEZONE", "Paris"),
        ("SANCTUM_TOKEN_EXPIRATION", "soon"),
        ("STORE_FIXED_VAT_RATE", "120"),
    ] {
        let error = read(&[(name, value)]).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}={value} is not accepted: it takes ")), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn secrets_are_never_printed() -> Result<(), ConfigError> {
    let key = "base64:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let config = read(&[("DATABASE_URL", "mysql://root:hunter2@db/shop"), ("APP_KEY", key)])?;
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("MDEy"), "{printed}");
    assert_eq!(config.app_key.expose(), key);
    let error = read(&[("DATABASE_URL", "mssql://root:hunter2@db/shop")]).expect_err("unknown scheme");
    assert!(!error.to_string().contains("hunter2"));
    let error = read(&[("APP_KEY", "hunter2")]).expect_err("short key");
    assert!(!error.to_string().contains("hunter2"));
    let error = read(&[("APP_PREVIOUS_KEYS", &format!("{key},hunter2"))]).expect_err("short key");
    assert!(!error.to_string().contains("hunter2"));
    assert!(!format!("{:?}", read(&[("APP_PREVIOUS_KEYS", key)])?).contains("MDEy"));
    let error = read(&[("DB_URL", "hunter2")]).expect_err("no scheme");
    assert_eq!(error.variable, "DB_URL");
    assert!(!error.to_string().contains("hunter2"));
    Ok(())
}

#[test]
fn databases_by_url_and_by_parts() -> Result<(), ConfigError> {
    let url = |text| read(&[("DB_URL", text)]).map(|config| config.database);
    assert_eq!(url("mariadb://root@db/shop")?, Database::from_url("mysql://root@db/shop").expect("a URL"));
    assert_eq!(url("pgsql://root@db/shop")?.driver, Driver::Postgres);
    assert_eq!(url("sqlite:./shop.sqlite")?.driver, Driver::Sqlite);
    let file = read(&[("DB_CONNECTION", "sqlite"), ("DB_DATABASE", "/srv/shop.sqlite")])?;
    assert_eq!(file.database, Database::file("/srv/shop.sqlite"));
    assert_eq!(file.pool_size(), 3);
    let parts =
        read(&[("DB_CONNECTION", "pgsql"), ("DB_HOST", "db"), ("DB_PASSWORD", "x"), ("DB_SOCKET", "/run")])?;
    let DatabaseTarget::Server(server) = parts.database.target else { panic!("a server") };
    assert_eq!((server.host.as_str(), server.port), ("db", 5432));
    assert_eq!(server.password.expose(), "x");
    Ok(())
}

#[test]
fn several_servers_hold_one_database() -> Result<(), ConfigError> {
    let names = |config: &Config| config.servers().map(|server| server.database.name()).collect::<Vec<_>>();
    let parts = read(&[("DB_HOST", "a, b:3307,[2001:db8::1]:3308"), ("DB_DATABASE", "shop")])?;
    assert_eq!(names(&parts), ["a:3306", "b:3307", "[2001:db8::1]:3308"]);
    for (text, name) in [("::1", "[::1]:3306"), ("[::1]", "[::1]:3306"), ("[::1]:28360", "[::1]:28360")] {
        assert_eq!(names(&read(&[("DB_HOST", text), ("DB_DATABASE", "shop")])?), [name]);
    }
    let socket = [("DB_HOST", "a,b"), ("DB_SOCKET", "/run/db.sock"), ("DB_DATABASE", "shop")];
    assert_eq!(names(&read(&socket)?), ["/run/db.sock"]);
    let url = read(&[("DATABASE_URL", "postgres://user:p,w@a:5433, b/shop?sslmode=disable")])?;
    assert_eq!(names(&url), ["a:5433", "b:5432"]);
    let DatabaseTarget::Url(second) = &url.further_servers[0].target else { panic!("a URL") };
    assert_eq!(second.expose(), "postgres://user:p,w@b/shop?sslmode=disable");
    let replicas =
        read(&[("DB_URL", "mysql://a/shop"), ("DATABASE_READ_URL", "mysql://b,c:3307/shop")])?.replicas;
    assert_eq!(replicas.iter().map(Database::name).collect::<Vec<_>>(), ["b:3306", "c:3307"]);
    for (name, wrong) in [
        ("DB_HOST", "a,,b"),
        ("DB_HOST", "a:x"),
        ("DB_HOST", "a:0,b"),
        ("DB_HOST", "a;b"),
        ("DB_HOST", "a b"),
        ("DB_HOST", "postgres://h"),
        ("DB_HOST", "[::1"),
        ("DB_HOST", "[a]:3306"),
        ("DB_HOST", "::1:28360:"),
        ("DATABASE_URL", "mysql://a,/shop"),
        ("DATABASE_URL", "sqlite://a,b"),
        ("DATABASE_READ_URL", "postgres://b,c/shop"),
    ] {
        assert_eq!(read(&[(name, wrong)]).expect_err(wrong).variable, name);
    }
    Ok(())
}

#[test]
fn connections_are_encrypted_as_told() -> Result<(), ConfigError> {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let parts = read(&[("DB_SSLMODE", "verify-full"), ("MYSQL_ATTR_SSL_CA", authority)])?;
    let DatabaseTarget::Server(server) = parts.database.target else { panic!("a server") };
    assert_eq!(server.encryption, Some(Encryption::Host));
    assert_eq!(server.authority, Some(PathBuf::from(authority)));
    Ok(())
}

#[test]
fn links_are_https_in_production() -> Result<(), ConfigError> {
    let shop = ("APP_URL", "http://shop.example");
    assert_eq!(read(&[shop])?.public_url(), "https://shop.example");
    assert_eq!(read(&[shop, ("APP_FORCE_HTTPS", "false")])?.public_url(), "http://shop.example");
    assert_eq!(read(&[shop, ("APP_ENV", "local")])?.public_url(), "http://shop.example");
    Ok(())
}

#[test]
fn a_database_that_is_named_is_noticed() {
    let named = |name: &str, value: &str| names_database(&[(name.to_owned(), value.to_owned())]).is_some();
    assert!(named("DATABASE_URL", "sqlite:x"));
    assert!(named("DB_HOST", "db"));
    assert!(!named("DB_HOST", ""));
    assert!(!named("APP_URL", "http://localhost"));
}

#[test]
fn the_help_lists_every_setting() {
    let help = help();
    assert!(all().all(|setting| help.contains(setting.name)));
}

#[test]
fn origins_have_the_form_that_browsers_send() {
    let read = |value: &str| read(&[("GUICHET_CORS_ORIGINS", value)]).map(|config| config.cors_origins);
    assert_eq!(read(""), Ok(Vec::new()));
    let two = "https://shop.example, http://localhost:5173,";
    assert_eq!(read(two), Ok(vec!["https://shop.example".to_owned(), "http://localhost:5173".to_owned()]));
    assert_eq!(read("*"), Ok(vec!["*".to_owned()]));
    for wrong in [
        "shop.example",
        "https://shop.example/",
        "https://shop.example:443",
        "https://Shop.example",
        "https://a b",
        "*,https://shop.example",
        "https://*.example",
        "file:///x",
        "https://u@shop.example",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_misspelt_setting_is_noticed() {
    let variables = [
        ("GUICHET_RATE_LIMT", "1"),
        ("GUICHET_RATE_LIMIT", "1"),
        ("GUICHET_QUUX", "1"),
        ("PATH", "/"),
        ("GUICHET_RATE_LIMT", "2"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let unknown = |name: &str, meant| UnknownSetting { name: name.to_owned(), meant };
    let expected = [unknown("GUICHET_QUUX", None), unknown("GUICHET_RATE_LIMT", Some("GUICHET_RATE_LIMIT"))];
    assert_eq!(super::unknown(&variables), expected);
}

/// The file of settings that the Debian package installs.
#[test]
fn the_installed_file_shows_settings_that_are_there_with_their_defaults() {
    let file = include_str!("../../../contrib/debian/guichet.env");
    let lines: Vec<_> = file.lines().collect();
    let mut seen = 0;
    for pair in lines.windows(2) {
        let Some((name, value)) = pair[1].trim_start_matches('#').split_once('=') else { continue };
        // The log's own variable, which is no setting of guichet.
        if name.contains(' ') || name == "RUST_LOG" {
            continue;
        }
        let setting = setting::find(name).unwrap_or_else(|| panic!("{name} is no setting"));
        assert!(pair[0].starts_with("# "), "{name} is not explained");
        let is_set = !pair[1].starts_with('#');
        assert!(
            is_set || setting.default.is_empty() || value == setting.default,
            "the default of {name} is {}",
            setting.default
        );
        seen += 1;
    }
    assert!(seen > 30, "few settings were found: {seen}");
}

#[test]
fn redis_is_read_where_it_is_asked_for() -> Result<(), ConfigError> {
    assert_eq!(read(&[("REDIS_HOST", "tls://cache")])?.redis, None, "what is not used is not refused");
    let asked = ("GUICHET_THROTTLE", "redis");
    let plain = read(&[asked, ("REDIS_PASSWORD", "null")])?.redis.expect("a server");
    assert_eq!(plain.address, RedisAddress::Tcp("127.0.0.1".to_owned(), 6379));
    assert_eq!((plain.username, plain.password.is_empty(), plain.database), (None, true, 0));
    assert_eq!(plain.prefix, "clientxcms_database_");
    let parts = read(&[
        asked,
        ("REDIS_HOST", "/run/redis.sock"),
        ("REDIS_PORT", "0"),
        ("REDIS_DB", "2"),
        ("REDIS_PREFIX", "shop:"),
        ("REDIS_USERNAME", "guichet"),
    ])?;
    let parts = parts.redis.expect("a server");
    assert_eq!(parts.address, RedisAddress::Socket("/run/redis.sock".into()));
    assert_eq!((parts.username.as_deref(), parts.database), (Some("guichet"), 2));
    assert_eq!(parts.prefix, "shop:");
    let url = read(&[asked, ("REDIS_URL", "redis://u:p%23w@cache:7000/3"), ("REDIS_PASSWORD", "other")])?;
    let url = url.redis.expect("a server");
    assert_eq!(url.address, RedisAddress::Tcp("cache".to_owned(), 7000));
    assert_eq!((url.password.expose(), url.database), ("p#w", 3));
    let mixed = read(&[asked, ("REDIS_URL", "tcp://cache"), ("REDIS_PASSWORD", "hunter2")])?;
    assert!(!format!("{mixed:?}").contains("hunter2"));
    assert_eq!(mixed.redis.expect("a server").password.expose(), "hunter2");
    for (name, value) in [
        ("REDIS_HOST", "tls://cache"),
        ("REDIS_DB", "-1"),
        ("REDIS_PORT", "70000"),
        ("REDIS_URL", "rediss://:hunter2@cache"),
        ("REDIS_URL", "redis://:hunter2@cache/x"),
    ] {
        let error = read(&[asked, (name, value)]).expect_err(name);
        assert_eq!(error.variable, name);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(read(&[("GUICHET_THROTTLE", "disk")]).expect_err("no store").variable, "GUICHET_THROTTLE");
    Ok(())
}

# What people do daily. `just` lists it; every line works without `just` too.

_default:
    @just --list

# A demo shop at http://127.0.0.1:8080
demo:
    cargo run -- serve --demo

# Format, lint and the tests that need no database server
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo test --locked

# The API tests of one area, on SQLite: `just api golden`
api area="":
    cargo test --locked --test api {{ area }}

# The same on another database: `just api-on mysql golden`
api-on database area="":
    GUICHET_TEST_DATABASE={{ database }} cargo test --locked --test api {{ area }}

# schema.graphql, openapi.json and docs/prices.md, made from the code
contracts:
    cargo run -- contracts
    GUICHET_WRITE_DOCS=1 cargo test --locked --test api prices

# Every REST route, with its operation and the abilities it needs
routes:
    cargo run --quiet -- routes

# The skeleton of a resource over an entity: `just resource coupon coupons`
resource name plural:
    .ci/new-resource {{ name }} {{ plural }}

# The Debian package, the list of its crates, and checksums, in target/release-files
release:
    contrib/release

# Everything that CI does; `just ci clippy tests` runs single steps
ci *steps:
    .ci/run {{ steps }}

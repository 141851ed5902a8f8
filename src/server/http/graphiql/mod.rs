//! What GraphiQL opens with: the shop's name, example operations, and the operations that sign in.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use facade::apis::GRAPHQL;
use facade::engine::Settings as _;
use facade::pages::{self, GraphiqlPage, SignIn};
use tokio::time::timeout;

use crate::server::App;
use crate::shop::sample::{CUSTOMER_EMAIL, PASSWORD_TEXT, STAFF_EMAIL};

/// The examples, each in a tab. They run on the demo shop (`tests/api/graphql/examples.rs`).
pub const EXAMPLES: [&str; 6] = [
    include_str!("pricing-page.graphql"),
    include_str!("customer-area.graphql"),
    include_str!("back-office.graphql"),
    include_str!("tickets.graphql"),
    include_str!("stock.graphql"),
    include_str!("refresh-session.graphql"),
];

/// The accounts that can sign in.
pub const SIGN_IN: [SignIn<'_>; 2] = [
    without_example("Customer", include_str!("sign-in-customer.graphql")),
    without_example("Staff", include_str!("sign-in-staff.graphql")),
];

/// The operation that ends a session.
pub const SIGN_OUT: &str = include_str!("sign-out.graphql");

const fn without_example(account: &'static str, document: &'static str) -> SignIn<'static> {
    SignIn { account, document, email: "", password: "" }
}

/// The accounts with which the form of a demo shop is filled, for each of [`SIGN_IN`].
const DEMO_EMAILS: [&str; 2] = [CUSTOMER_EMAIL, STAFF_EMAIL];

/// How long the page waits for the shop's name: a database that is away must not hold it up.
const NAME_TIMEOUT: Duration = Duration::from_millis(300);

/// The title of the page: the shop's own name, or `APP_NAME` where the shop has set none or its database is away.
async fn title(app: &App) -> String {
    let name = timeout(NAME_TIMEOUT, app.shop.setting("app_name")).await;
    let name = name.ok().and_then(|name| name.ok().flatten()).filter(|name| !name.trim().is_empty());
    format!("{} · GraphiQL", name.as_deref().unwrap_or(&app.shop.config.app_name))
}

/// The page.
pub(super) async fn page(app: &App) -> Response<Body> {
    let mut sign_in = SIGN_IN;
    if app.demo_key.is_some() {
        for (form, email) in sign_in.iter_mut().zip(DEMO_EMAILS) {
            (form.email, form.password) = (email, PASSWORD_TEXT);
        }
    }
    pages::graphiql(GraphiqlPage {
        endpoint: GRAPHQL,
        title: &title(app).await,
        key: app.demo_key.as_deref(),
        examples: &EXAMPLES,
        sign_in: &sign_in,
        sign_out: SIGN_OUT,
    })
}

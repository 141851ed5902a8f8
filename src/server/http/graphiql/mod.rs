//! What GraphiQL opens with: the shop's name, example operations, and the operations that sign in.

use facade::apis::GRAPHQL;
use facade::engine::Settings as _;
use facade::pages::{GraphiqlPage, SignIn};

use crate::server::App;

/// The examples, each in a tab. They run on the demo shop (`tests/api/graphql/examples.rs`).
pub const EXAMPLES: [&str; 4] = [
    include_str!("pricing-page.graphql"),
    include_str!("customer-area.graphql"),
    include_str!("back-office.graphql"),
    include_str!("stock.graphql"),
];

/// The accounts that can sign in.
pub const SIGN_IN: [SignIn<'_>; 2] = [
    SignIn { account: "Customer", document: include_str!("sign-in-customer.graphql") },
    SignIn { account: "Staff", document: include_str!("sign-in-staff.graphql") },
];

/// The title of the page: with the shop's own name, which a database that is away does not hold up.
pub(super) async fn title(app: &App) -> String {
    let name = app.shop.setting("app_name").await.ok().flatten();
    format!("{} · GraphiQL", name.as_deref().unwrap_or(&app.shop.config.app_name))
}

/// The values of the page.
pub(super) fn page<'a>(app: &'a App, title: &'a str) -> GraphiqlPage<'a> {
    GraphiqlPage {
        title,
        key: app.demo_key.as_deref(),
        examples: &EXAMPLES,
        sign_in: &SIGN_IN,
        endpoint: GRAPHQL,
    }
}

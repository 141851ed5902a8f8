//! The log of actions.

use entity::action_log;
use entity::value::Id;
use sea_orm::{DatabaseConnection, Set, TransactionTrait};
use serde_json::json;

use crate::resource::customer::seed::CUSTOMERS;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};

/// Makes entries of the log by customers.
pub const MAKER: Maker = Maker {
    after: &["customer"],
    counts: &[LOGS],
    dice: Some(DICE),
    rows: |plan| plan.count(&LOGS),
    make: |db, plan| Box::pin(make(db, plan)),
};

const LOGS: Count = Count {
    name: "logs",
    help: Some("Entries of the log; without it none"),
    range: 0..=u64::MAX,
    default: |_| 0,
    first: Some(keys_of::<action_log::Entity>),
};

const DICE: u64 = 20;
/// Action, and how often it is one of a hundred.
const ACTIONS: [(&str, i64); 4] =
    [("new_login", 60), ("checkout_completed", 20), ("service_renewed", 15), ("password_reset", 5)];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    if plan.count(&LOGS) == 0 {
        return Ok(());
    }
    plan.begin("logs");
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&LOGS)) {
        let size = chunk.end - chunk.start;
        insert(&work, chunk.map(|at| row(plan, at)).collect()).await?;
        plan.made(size);
    }
    work.commit().await?;
    count_on::<action_log::Entity>(db).await?;
    Ok(())
}

fn row(plan: &Plan, at: u64) -> action_log::ActiveModel {
    let mut dice = plan.dice(DICE, at);
    let id = plan.keys(&LOGS).at(at);
    let (made, action) = (Some(plan.ago(&mut dice, 400)), dice.weighted(&ACTIONS));
    let customer: Id = plan.keys(&CUSTOMERS).any(&mut dice);
    action_log::ActiveModel {
        id: Set(id),
        customer_id: Set(Some(customer)),
        action: Set(action.to_owned()),
        payload: Set(Some(json!({"ip": format!("203.0.113.{}", dice.between(1, 254))}).to_string())),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    }
}

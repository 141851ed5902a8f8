//! The action log of the demo shop.

use entity::value::Id;
use entity::{action_log, action_log_entry};
use sea_orm::{ConnectionTrait, Set};
use serde_json::json;

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{AGENT, DemoContext, Maker, OLDEST};

/// Makes the log. It draws random numbers before all other makers.
pub const MAKER: Maker = Maker { after: &[], make: |db, making| Box::pin(make(db, making)) };

/// The actions that the log repeats: action, kind of record, whether the staff did it.
const ACTIONS: [(&str, Option<&str>, bool); 8] = [
    ("new_login", None, false),
    ("resource_updated", Some(r"App\Models\Store\Product"), true),
    ("checkout_completed", Some(r"App\Models\Billing\Invoice"), false),
    ("service_renewed", Some(r"App\Models\Provisioning\Service"), false),
    ("service_suspended", Some(r"App\Models\Provisioning\Service"), true),
    ("new_registered", Some(r"App\Models\Account\Customer"), false),
    ("ticket_replied", Some(r"App\Models\Helpdesk\SupportTicket"), true),
    ("balance_changed", Some(r"App\Models\Account\Customer"), true),
];
/// Number of lines of the log.
const LINES: i64 = 64;

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let line = |id: i64| {
        let (action, model, by_staff) = ACTIONS[usize::try_from(id).unwrap_or(0) % ACTIONS.len()];
        let at = Some(making.ago((LINES - id) / 2));
        let payload = if model.is_none() { json!({"ip": format!("203.0.113.{id}")}) } else { json!([]) };
        action_log::ActiveModel {
            id: Set(Id(id)),
            customer_id: Set((!by_staff).then(|| Id(1 + id % OLDEST))),
            staff_id: Set(by_staff.then_some(AGENT)),
            action: Set(action.to_owned()),
            model: Set(model.map(str::to_owned)),
            model_id: Set(model.map(|_| (1 + id % 20).to_string())),
            payload: Set(Some(payload.to_string())),
            created_at: Set(at),
            updated_at: Set(at),
        }
    };
    insert(db, (1..=LINES).map(line).collect()).await?;
    let updates = (1..=LINES).filter(|id| id % 8 == 1);
    let changes = updates.map(|id| action_log_entry::ActiveModel {
        action_log_id: Set(Id(id)),
        attribute: Set("stock".to_owned()),
        old_value: Set(Some((id + 5).to_string())),
        new_value: Set(Some(id.to_string())),
        ..Default::default()
    });
    insert(db, changes.collect()).await?;
    Ok(())
}

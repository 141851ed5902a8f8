//! Tickets with their messages.

use chrono::TimeDelta;
use entity::value::{Id, ShopTime};
use entity::{admin, support_department, support_message, support_ticket};
use sea_orm::{DatabaseConnection, EntityTrait, QueryOrder, QuerySelect, Set, TransactionTrait};

use crate::resource::customer::seed::CUSTOMERS;
use crate::shop::sample::Failure;
use crate::shop::sample::batch::{count_on, insert};
use crate::shop::sample::seed::{Count, Maker, Plan, chunks, keys_of};

/// Makes tickets of the customers, each with three messages.
pub const MAKER: Maker = Maker {
    after: &["customer", "department", "staff"],
    counts: &[TICKETS],
    dice: Some(DICE),
    rows: |plan| plan.count(&TICKETS) * 4,
    make: |db, plan| Box::pin(make(db, plan)),
};

const TICKETS: Count = Count {
    name: "tickets",
    help: Some("Tickets, each with three messages; without it one for five customers"),
    range: 0..=u64::MAX,
    default: |counts| counts.of(&CUSTOMERS) / 5,
    first: Some(keys_of::<support_ticket::Entity>),
};

const DICE: u64 = 5;
const SUBJECTS: [&str; 6] = [
    "Le serveur ne répond plus",
    "Facture en double",
    "Comment migrer mon site ?",
    "Changer d'offre",
    "Certificat expiré",
    "Débit trop faible",
];
const STATUSES: [(&str, i64); 3] = [("open", 25), ("answered", 25), ("closed", 50)];

async fn make(db: &DatabaseConnection, plan: &Plan) -> Result<(), Failure> {
    plan.begin("tickets");
    let department = support_department::Entity::find().limit(1).one(db).await?;
    let department = department.ok_or("there is no department for tickets")?.id;
    let staff = admin::Entity::find().order_by_asc(admin::Column::Id).limit(1).one(db).await?;
    let staff = staff.ok_or("there is no staff for tickets")?.id;
    let work = db.begin().await?;
    for chunk in chunks(plan.count(&TICKETS)) {
        let size = chunk.end - chunk.start;
        let (tickets, messages): (Vec<_>, Vec<_>) = chunk.map(|at| rows(plan, at, department, staff)).unzip();
        insert(&work, tickets).await?;
        insert(&work, messages.into_iter().flatten().collect()).await?;
        plan.made(size * 4);
    }
    work.commit().await?;
    count_on::<support_ticket::Entity>(db).await?;
    Ok(())
}

fn rows(
    plan: &Plan,
    at: u64,
    department: Id,
    staff: Id,
) -> (support_ticket::ActiveModel, [support_message::ActiveModel; 3]) {
    let mut dice = plan.dice(DICE, at);
    let (made, status, customer) =
        (plan.ago(&mut dice, 400), dice.weighted(&STATUSES), plan.keys(&CUSTOMERS).any(&mut dice));
    let closed = (status == "closed").then(|| ShopTime((made.0 + TimeDelta::hours(30)).min(plan.now)));
    let id = plan.keys(&TICKETS).at(at);
    let row = support_ticket::ActiveModel {
        id: Set(id),
        department_id: Set(department),
        customer_id: Set(Some(customer)),
        subject: Set((*dice.pick(&SUBJECTS)).to_owned()),
        priority: Set(dice.weighted(&[("low", 30), ("medium", 50), ("high", 20)]).to_owned()),
        closed_at: Set(closed),
        close_reason: Set(closed.map(|_| "Résolu".to_owned())),
        closed_by: Set(closed.map(|_| "admin".to_owned())),
        closed_by_id: Set(closed.map(|_| staff)),
        assigned_to: Set(dice.chance(40).then_some(staff)),
        status: Set(status.to_owned()),
        uuid: Set(Some(dice.uuid())),
        created_at: Set(Some(made)),
        updated_at: Set(Some(made)),
        ..Default::default()
    };
    let last_by_staff = status != "open";
    let authors = [
        (Some(customer), None),
        (None, Some(staff)),
        if last_by_staff { (None, Some(staff)) } else { (Some(customer), None) },
    ];
    let mut hour = 0;
    let messages = authors.map(|(customer, admin)| {
        hour += 1;
        let at = ShopTime((made.0 + TimeDelta::hours(hour)).min(plan.now));
        support_message::ActiveModel {
            ticket_id: Set(id),
            customer_id: Set(customer),
            admin_id: Set(admin),
            message: Set(format!("Bonjour,\n\nmessage **{hour}** de la demande {}.", id.0)),
            created_at: Set(Some(at)),
            updated_at: Set(Some(at)),
            ..Default::default()
        }
    });
    (row, messages)
}

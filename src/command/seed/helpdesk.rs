//! Tickets with their messages.

use chrono::TimeDelta;
use entity::value::{Id, ShopTime};
use entity::{support_department, support_message, support_ticket};
use sea_orm::{DatabaseConnection, DbErr, EntityTrait, QuerySelect, Set, TransactionTrait};

use super::{Plan, chunks};
use crate::command::batch::{count_on, insert};

const SUBJECTS: [&str; 6] = [
    "Le serveur ne répond plus",
    "Facture en double",
    "Comment migrer mon site ?",
    "Changer d'offre",
    "Certificat expiré",
    "Débit trop faible",
];
const STATUSES: [(&str, i64); 3] = [("open", 25), ("answered", 25), ("closed", 50)];

pub(super) async fn fill(db: &DatabaseConnection, plan: &Plan, staff: Id) -> Result<(), DbErr> {
    plan.progress.set_message("tickets");
    let department = department(db, plan).await?;
    let work = db.begin().await?;
    for chunk in chunks(plan.tickets.count) {
        let size = chunk.end - chunk.start;
        let (tickets, messages): (Vec<_>, Vec<_>) =
            chunk.map(|at| ticket(plan, at, department, staff)).unzip();
        insert(&work, tickets).await?;
        insert(&work, messages.into_iter().flatten().collect()).await?;
        plan.progress.inc(size * 4);
    }
    work.commit().await?;
    count_on::<support_ticket::Entity>(db).await
}

async fn department(db: &DatabaseConnection, plan: &Plan) -> Result<Id, DbErr> {
    if let Some(known) = support_department::Entity::find().limit(1).one(db).await? {
        return Ok(known.id);
    }
    let row = support_department::ActiveModel {
        name: Set("Général".to_owned()),
        description: Set(Some("Toutes les demandes".to_owned())),
        icon: Set(Some("bi bi-question-circle".to_owned())),
        created_at: Set(Some(plan.now.into())),
        updated_at: Set(Some(plan.now.into())),
        ..Default::default()
    };
    support_department::Entity::insert(row).exec(db).await.map(|made| made.last_insert_id)
}

fn ticket(
    plan: &Plan,
    at: u64,
    department: Id,
    staff: Id,
) -> (support_ticket::ActiveModel, [support_message::ActiveModel; 3]) {
    let mut dice = plan.dice(5, at);
    let (made, status, customer) =
        (plan.ago(&mut dice, 400), dice.weighted(&STATUSES), plan.customers.any(&mut dice));
    let closed = (status == "closed").then(|| ShopTime((made.0 + TimeDelta::hours(30)).min(plan.now)));
    let id = plan.tickets.at(at);
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

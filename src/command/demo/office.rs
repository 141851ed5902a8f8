//! The rows of the back office: settings, roles, staff, gateways, security questions.

use entity::value::{Decimal2, Flag, Id, Int};
use entity::{admin, gateway, permission, permission_role, role, security_question, setting};
use indexmap::IndexMap;
use sea_orm::{ConnectionTrait, DbErr, Set};
use serde::Deserialize;

use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};
use crate::shop::sample::{Failure, PASSWORD};

pub(super) const MAKER: Maker = Maker { after: &[], make: |db, making| Box::pin(make(db, making)) };

/// The security questions of the original, by the keys of their texts.
const QUESTIONS: [&str; 2] = ["install.security_questions.pet_name", "install.security_questions.birth_city"];

#[derive(Deserialize)]
struct Office {
    settings: IndexMap<String, String>,
    /// Name, level, whether everything is allowed.
    roles: Vec<(String, i64, bool)>,
    /// Name, label, group, keys of the roles.
    permissions: Vec<(String, String, String, Vec<i64>)>,
    /// Given name, family name, address, key of the role.
    staff: Vec<(String, String, String, i64)>,
    /// Name, status, uuid, smallest amount.
    gateways: Vec<(String, String, String, f64)>,
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let office: Office = serde_json::from_str(include_str!("office.json"))?;
    let made = Some(making.opened);
    let settings = office.settings.iter().map(|(name, value)| setting::ActiveModel {
        name: Set(name.clone()),
        value: Set(value.clone()),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, settings.collect()).await?;
    rights(db, making, &office).await?;
    let questions = QUESTIONS.iter().zip(1..).map(|(question, order)| security_question::ActiveModel {
        question: Set((*question).to_owned()),
        is_active: Set(Flag(true)),
        sort_order: Set(Int(order)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, questions.collect()).await?;
    let gateways = office.gateways.iter().map(|(name, status, uuid, least)| gateway::ActiveModel {
        name: Set(name.clone()),
        status: Set(status.clone()),
        uuid: Set(uuid.clone()),
        minimal_amount: Set(Decimal2(*least)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, gateways.collect()).await?;
    Ok(())
}

/// Roles with their permissions, and the people who have them.
async fn rights(db: &impl ConnectionTrait, making: &mut DemoContext, office: &Office) -> Result<(), DbErr> {
    let made = Some(making.ago(430));
    let roles = office.roles.iter().zip(1..).map(|((name, level, everything), id)| role::ActiveModel {
        id: Set(Id(id)),
        name: Set(name.clone()),
        level: Set(Int(*level)),
        is_admin: Set(Flag(*everything)),
        is_default: Set(Flag(*everything)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, roles.collect()).await?;
    let permissions =
        office.permissions.iter().zip(1..).map(|((name, label, group, _), id)| permission::ActiveModel {
            id: Set(Id(id)),
            name: Set(name.clone()),
            label: Set(label.clone()),
            group: Set(Some(group.clone())),
            created_at: Set(made),
            updated_at: Set(made),
        });
    insert(db, permissions.collect()).await?;
    let grants = office.permissions.iter().zip(1..).flat_map(|((.., roles), permission)| {
        roles.iter().map(move |&role| permission_role::ActiveModel {
            role_id: Set(Id(role)),
            permission_id: Set(Id(permission)),
            ..Default::default()
        })
    });
    insert(db, grants.collect()).await?;
    let staff = office.staff.iter().map(|(firstname, lastname, email, role)| admin::ActiveModel {
        username: Set(format!("{firstname} {lastname}")),
        password: Set(PASSWORD.to_owned()),
        email: Set(email.clone()),
        firstname: Set(firstname.clone()),
        lastname: Set(lastname.clone()),
        last_login: Set(Some(making.ago(*role))),
        last_login_ip: Set(Some("192.0.2.100".to_owned())),
        signature: Set(Some(format!("{firstname}, Hébergerie des Lanternes"))),
        dark_mode: Set(Flag(*role == 2)),
        role_id: Set(role.to_string()),
        locale: Set("fr_FR".to_owned()),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, staff.collect()).await
}

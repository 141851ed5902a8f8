//! Settings, roles, staff, gateways, servers, reasons, texts of mails.

use entity::value::{Decimal2, Flag, Id, Int};
use entity::{
    admin, cancellation_reason, email_template, gateway, permission, permission_role, role,
    security_question, server, setting, subdomains_host,
};
use sea_orm::{ConnectionTrait, DbErr, Set};

use super::Making;
use super::data::{Mail, Office};
use crate::command::batch::insert;
use crate::command::seed::DEMO_PASSWORD;

/// Questions that the original offers, by the keys of their texts.
const QUESTIONS: [&str; 2] = ["install.security_questions.pet_name", "install.security_questions.birth_city"];

pub(super) async fn fill(
    db: &impl ConnectionTrait,
    making: &mut Making,
    office: &Office,
    mails: &[Mail],
) -> Result<(), DbErr> {
    let made = Some(making.ago(430));
    let settings = office.settings.iter().map(|(name, value)| setting::ActiveModel {
        name: Set(name.clone()),
        value: Set(value.clone()),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, settings.collect()).await?;
    rights(db, making, office).await?;
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
    let reasons = office.reasons.iter().map(|(reason, mode, status)| cancellation_reason::ActiveModel {
        reason: Set(reason.clone()),
        cancellation_mode: Set(mode.clone()),
        status: Set(status.clone()),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, reasons.collect()).await?;
    machines(db, making, office).await?;
    let templates =
        mails.iter().map(|[name, locale, subject, button, content]| email_template::ActiveModel {
            name: Set(name.clone()),
            locale: Set(locale.clone()),
            subject: Set(subject.clone()),
            button_text: Set(Some(button.clone())),
            content: Set(content.clone()),
            hidden: Set(Flag(false)),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        });
    insert(db, templates.collect()).await
}

/// Roles with their permissions, and the people who have them.
async fn rights(db: &impl ConnectionTrait, making: &mut Making, office: &Office) -> Result<(), DbErr> {
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
        password: Set(DEMO_PASSWORD.to_owned()),
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

async fn machines(db: &impl ConnectionTrait, making: &mut Making, office: &Office) -> Result<(), DbErr> {
    let made = Some(making.ago(420));
    let servers = office.servers.iter().map(|(name, port, kind, address, hostname, accounts, status)| {
        server::ActiveModel {
            name: Set(name.clone()),
            port: Set(Int(*port)),
            username: Set("guichet".to_owned()),
            password: Set(making.dice.uuid()),
            r#type: Set(kind.clone()),
            address: Set(address.clone()),
            hostname: Set(hostname.clone()),
            maxaccounts: Set(Int(*accounts)),
            status: Set(status.clone()),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        }
    });
    insert(db, servers.collect()).await?;
    let json = |list: &Option<Vec<i64>>| list.as_ref().map(|list| serde_json::json!(list).to_string());
    let hosts = office.subdomains.iter().map(|(domain, products, groups)| subdomains_host::ActiveModel {
        domain: Set(domain.clone()),
        products: Set(json(products)),
        groups: Set(json(groups)),
        created_at: Set(made),
        updated_at: Set(made),
        ..Default::default()
    });
    insert(db, hosts.collect()).await
}

//! Mails to customers: rows of `email_messages`, which is shown in the customer area
//! (docs/contract/application-store.md#14), each with a row of the [outbox] where guichet sends them.

use entity::{Flag, Id, ShopTime, customer, email_message, email_template};
use facade::engine::Texts as _;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::Result;
use crate::platform::config::Config;
use crate::platform::lang::Lang;
use crate::shop::Shop;
use crate::shop::html::escape;
use crate::shop::outbox::{self, Message};

/// Locale of the templates for customers in whose locale there is none.
const FALLBACK_LOCALE: &str = "en_GB";
/// What the record of a mail to a customer is called in the outbox.
const RECORD: &str = "customer";
/// Length of the column of subjects, in characters.
const MAX_SUBJECT: usize = 255;
/// Locale of guichet's own French templates.
const FRENCH_LOCALE: &str = "fr_FR";

/// A mail to a customer.
pub struct Mail<'a> {
    /// Name of the template.
    pub template: &'a str,
    /// The recipient.
    pub to: &'a customer::Model,
    /// URL of its button.
    pub link: &'a str,
    /// Values for the `:placeholders` of the template, beside the customer's names.
    pub values: &'a [(&'a str, &'a str)],
}

impl Mail<'_> {
    /// Writes the mail, so that it is sent after the transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enqueue(&self, shop: &Shop, db: &impl ConnectionTrait) -> Result<()> {
        let now = ShopTime::from(shop.clock.now());
        let template = match find_template(db, self.template, &self.to.locale).await? {
            Some(template) => template,
            None => default_template(shop, self.template, &self.to.locale, now).insert(db).await?,
        };
        let values = self.values();
        let row = email_message::ActiveModel {
            recipient: Set(self.to.email.clone()),
            recipient_id: Set(Some(self.to.id)),
            subject: Set(subject(&super::texts::fill(&template.subject, &values))),
            template: Set(template.id),
            content: Set(self.content(&template, &values, &shop.config)),
            created_at: Set(Some(now)),
            ..Default::default()
        };
        if !outbox::sends_mail(shop) {
            email_message::Entity::insert(row).exec_without_returning(db).await?;
            return Ok(());
        }
        let mail = email_message::Entity::insert(row).exec(db).await?.last_insert_id;
        outbox::enqueue(shop, db, (RECORD, self.to.id), self.template, Message::Mail(mail)).await
    }

    fn values(&self) -> Vec<(&str, &str)> {
        let names = [("firstname", self.to.firstname.as_str()), ("lastname", self.to.lastname.as_str())];
        names.into_iter().chain(self.values.iter().copied()).collect()
    }

    /// The HTML: the shop's name, the template's text, and the button.
    fn content(&self, template: &email_template::Model, values: &[(&str, &str)], config: &Config) -> String {
        let escaped: Vec<(&str, String)> =
            values.iter().map(|(name, value)| (*name, escape(value))).collect();
        let escaped: Vec<(&str, &str)> =
            escaped.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (shop, home, link) = (escape(&config.app_name), escape(&config.public_url()), escape(self.link));
        let text = super::texts::fill(&template.content, &escaped);
        let button = escape(template.button_text.as_deref().unwrap_or(self.link));
        format!(
            "<h1><a href=\"{home}\">{shop}</a></h1>\n{text}\n<p><a href=\"{link}\">{button}</a></p>\n<p>{link}</p>\n"
        )
    }
}

/// A subject of one line that fits its column: values may be as long as the column, and a mail undoes no change.
fn subject(text: &str) -> String {
    let line = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    line.take(MAX_SUBJECT).collect()
}

/// The shop's template in the customer's locale, otherwise in English.
async fn find_template(
    db: &impl ConnectionTrait,
    name: &str,
    locale: &str,
) -> Result<Option<email_template::Model>> {
    let templates = email_template::Entity::find()
        .filter(email_template::Column::Name.eq(name))
        .filter(email_template::Column::Locale.is_in([locale, FALLBACK_LOCALE]))
        .order_by_asc(email_template::Column::Id)
        .limit(100);
    let found = templates.all(db).await?;
    let own = found.iter().position(|template| template.locale == locale);
    Ok(found.into_iter().nth(own.unwrap_or(0)))
}

/// A template with guichet's own texts, for a shop that has none of that name. It is stored, because a mail needs a
/// stored template, and the shop can then edit it.
fn default_template(shop: &Shop, name: &str, locale: &str, now: ShopTime) -> email_template::ActiveModel {
    let (lang, locale) =
        if locale.starts_with("fr") { (Lang::Fr, FRENCH_LOCALE) } else { (Lang::En, FALLBACK_LOCALE) };
    let text = |part: &str| shop.dictionaries.of(lang).text(&format!("mail.{name}.{part}"), &[]);
    email_template::ActiveModel {
        name: Set(name.to_owned()),
        locale: Set(locale.to_owned()),
        subject: Set(text("subject")),
        button_text: Set(Some(text("button"))),
        content: Set(text("content")),
        hidden: Set(Flag(false)),
        created_at: Set(Some(now)),
        updated_at: Set(Some(now)),
        ..Default::default()
    }
}

/// A mail as it is stored.
pub type StoredMail = email_message::Model;

/// A mail that was written.
///
/// # Errors
/// When the database fails.
pub async fn stored(db: &impl ConnectionTrait, id: Id) -> Result<Option<StoredMail>, DbErr> {
    email_message::Entity::find_by_id(id).one(db).await
}

/// The newest mails, as many as that.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &impl ConnectionTrait, number: u64) -> Result<Vec<StoredMail>, DbErr> {
    email_message::Entity::find().order_by_desc(email_message::Column::Id).limit(number).all(db).await
}

/// Deletes all mails to a customer, also those that are still to be sent.
///
/// # Errors
/// When the database fails.
pub async fn delete_all(shop: &Shop, db: &impl ConnectionTrait, customer: Id) -> Result<()> {
    if outbox::sends_mail(shop) {
        outbox::forget(db, (RECORD, customer), outbox::MAIL).await?;
    }
    let mails = email_message::Entity::delete_many();
    mails.filter(email_message::Column::RecipientId.eq(customer)).exec(db).await?;
    Ok(())
}

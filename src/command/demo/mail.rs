//! The texts of mails, and mails that were sent.

use entity::value::{Flag, Id};
use entity::{email_message, email_template};
use sea_orm::{ConnectionTrait, DbErr, Set};

use crate::shop::sample::Failure;
use crate::shop::sample::batch::insert;
use crate::shop::sample::demo::{DemoContext, Maker};

pub(super) const MAKER: Maker =
    Maker { after: &["customer", "log"], make: |db, making| Box::pin(make(db, making)) };

/// Name, locale, subject, text of the button, content.
type Mail = [String; 5];

fn texts() -> serde_json::Result<Vec<Mail>> {
    serde_json::from_str(include_str!("mail.json"))
}

async fn make(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), Failure> {
    let made = Some(making.opened);
    let templates =
        texts()?.into_iter().map(|[name, locale, subject, button, content]| email_template::ActiveModel {
            name: Set(name),
            locale: Set(locale),
            subject: Set(subject),
            button_text: Set(Some(button)),
            content: Set(content),
            hidden: Set(Flag(false)),
            created_at: Set(made),
            updated_at: Set(made),
            ..Default::default()
        });
    insert(db, templates.collect()).await?;
    sent(db, making).await?;
    Ok(())
}

/// Two mails that customers were sent.
async fn sent(db: &impl ConnectionTrait, making: &mut DemoContext) -> Result<(), DbErr> {
    let sent = [
        ("camille.fabre@client.example", 1, "Vérification de l'adresse e-mail", 1),
        ("idriss.benali@client.example", 2, "Réinitialisation du mot de passe", 3),
    ];
    let rows = sent.map(|(recipient, customer, subject, template)| email_message::ActiveModel {
        recipient: Set(recipient.to_owned()),
        recipient_id: Set(Some(Id(customer))),
        subject: Set(subject.to_owned()),
        template: Set(Id(template)),
        content: Set("<p>Bonjour</p>".to_owned()),
        created_at: Set(Some(making.ago(30))),
        ..Default::default()
    });
    insert(db, rows.to_vec()).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_mail_has_a_text_in_both_languages() -> serde_json::Result<()> {
        let texts = super::texts()?;
        let locales =
            |name: &str| texts.iter().filter(|text| text[0] == name).map(|text| &text[1]).collect::<Vec<_>>();
        assert!(texts.iter().all(|text| locales(&text[0]) == ["fr_FR", "en_GB"]));
        Ok(())
    }
}

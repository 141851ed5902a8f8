//! Rate limits of sign-in attempts.
//!
//! Attempts are counted for their network, for their account, and for both together: one network may use half of an
//! account's attempts. A network from which the account has signed in before has a limit of its own instead, so that
//! attempts of others do not lock the owner out.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use facade::collation;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::AccountKind;
use crate::access::Owner;
use crate::access::throttle::{Bucket, CountedUnit, Throttle};
use crate::platform::redis::Redis;
use crate::{Error, Result};

/// The rate limits of sign-in attempts.
pub struct SignInAttempts {
    all: Throttle,
    /// For one network and one account.
    by_pair: Throttle,
}

/// A sign-in attempt.
pub(super) struct SignInAttempt<'a> {
    pub(super) client: IpAddr,
    pub(super) kind: AccountKind,
    /// The e-mail address of the account, as it was sent.
    pub(super) email: &'a str,
    /// The account, if it exists.
    pub(super) owner: Option<Owner>,
    /// Whether the account has signed in from this network before.
    pub(super) is_known: bool,
}

impl SignInAttempts {
    /// Limits of this many attempts per minute; `None`: no limit.
    pub fn new(limit: Option<u32>, redis: Option<&Arc<Redis>>) -> Self {
        let throttle = |limit| Throttle::new(CountedUnit::SignInAttempts, limit, redis);
        Self { all: throttle(limit), by_pair: throttle(limit.map(|limit| limit.div_ceil(2))) }
    }

    /// How often this process has refused an attempt.
    pub fn refusals(&self) -> u64 {
        self.all.refusals() + self.by_pair.refusals()
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where there were too many.
    pub(super) async fn count(&self, attempt: &SignInAttempt<'_>, now: DateTime<Utc>) -> Result<()> {
        let network = Bucket::of_client(attempt.client);
        let of_pair = |name: &String| Bucket::Account(hash(&[&format!("{network:?}"), name]));
        if let Some(owner) = attempt.owner.filter(|_| attempt.is_known) {
            return count_in(&self.all, of_pair(&owner.to_string()), now).await;
        }
        let names = attempt.names();
        // The account is counted last, so that attempts that are refused before do not count for it.
        count_in(&self.all, network, now).await?;
        for name in &names {
            count_in(&self.by_pair, of_pair(name), now).await?;
        }
        for name in &names {
            count_in(&self.all, Bucket::Account(hash(&[name])), now).await?;
        }
        Ok(())
    }
}

impl SignInAttempt<'_> {
    /// The names under which the account is counted: its normalised address, and, if it exists, its primary key,
    /// since the database may find it by spellings that differ even more. An address is counted whether an account
    /// exists or not, so the limits do not reveal that.
    fn names(&self) -> Vec<String> {
        let address = format!("{:?} {}", self.kind, normalised_email(self.email));
        self.owner.map(|owner| owner.to_string()).into_iter().chain([address]).collect()
    }
}

async fn count_in(throttle: &Throttle, bucket: Bucket, now: DateTime<Utc>) -> Result<()> {
    match throttle.count(bucket, now).await.retry_after() {
        Some(seconds) => Err(Error::RateLimited(seconds)),
        None => Ok(()),
    }
}

fn hash(parts: &[&str]) -> [u8; 32] {
    Sha256::digest(parts.join("\n")).into()
}

/// An e-mail address without differences that some database ignores: case, accents, widths and invisible characters.
pub(super) fn normalised_email(email: &str) -> String {
    let letters = email.nfkd().filter(|&letter| !is_combining_mark(letter) && !is_invisible(letter));
    let lower = letters.flat_map(char::to_lowercase).collect::<String>();
    let plain = |letter| match letter {
        'ß' => "ss".to_owned(),
        letter => collation::folded(letter).map_or(letter.to_string(), str::to_owned),
    };
    lower.trim().chars().map(plain).collect()
}

fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::normalised_email;

    #[test]
    fn spellings_of_one_address_are_one() {
        for spelling in [
            "camille@example.com",
            " CAMILLE@Example.com ",
            "cámille@example.com",
            "ⓒamille@example.com",
            "ｃamille@example.com",
            "ca\u{200b}mille@\u{feff}example.com",
            "ca\u{301}mille@example.com",
            "ca\u{ad}mille@example.com",
            "𝐜amille@example.com",
        ] {
            assert_eq!(normalised_email(spelling), "camille@example.com", "{spelling:?}");
        }
        for (one, other) in
            [("groß", "gross"), ("GROẞ", "gross"), ("œuf", "oeuf"), ("Ø", "o"), ("ﬁ", "fi"), ("ſ", "s")]
        {
            assert_eq!(normalised_email(one), normalised_email(other), "{one}");
        }
        assert_ne!(normalised_email("kamille@example.com"), normalised_email("camille@example.com"));
    }
}

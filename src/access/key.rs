//! Creation and hashing of API keys (docs/contract/credentials.md#2.2). Only a hash is stored; the plain text is shown
//! once.

use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};

/// Prefix of every secret.
const PREFIX: &str = "CLIENTXCMS";
/// Random characters of a secret.
const RANDOM_LETTERS: usize = 40;

/// A new key.
#[derive(Clone)]
pub struct NewKey {
    /// The secret, without the row's id: prefix, 40 random characters and their checksum.
    pub plain: String,
    /// The value for the column `token`.
    pub hash: String,
}

impl NewKey {
    /// Makes a random key.
    pub fn random() -> Self {
        let entropy: String =
            rand::rng().sample_iter(Alphanumeric).take(RANDOM_LETTERS).map(char::from).collect();
        let plain = format!("{PREFIX}{entropy}{}", checksum(&entropy));
        Self { hash: hash(&plain), plain }
    }

    /// The text that clients send: the row's id and the secret.
    pub fn bearer(&self, id: i64) -> String {
        format!("{id}|{}", self.plain)
    }
}

/// The stored hash of a secret: SHA-256 in lower-case hexadecimal digits.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret))
}

/// The id and the secret of a bearer text; `None` when it has no id or is malformed. A text without `|` is only a
/// secret, whose row is found by its hash.
pub fn split(bearer: &str) -> Option<(i64, &str)> {
    let (id, secret) = bearer.split_once('|')?;
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !secret.is_empty()).then_some((id.parse().ok()?, secret))
}

fn checksum(entropy: &str) -> String {
    format!("{:08x}", crc32fast::hash(entropy.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(checksum("abc"), "352441c2");
        assert_eq!(checksum(""), "00000000");
    }

    #[test]
    fn a_key_has_prefix_entropy_and_checksum() {
        let key = NewKey::random();
        assert_eq!(key.plain.len(), 58);
        let entropy = &key.plain[PREFIX.len()..PREFIX.len() + RANDOM_LETTERS];
        assert!(entropy.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(key.plain, format!("{PREFIX}{entropy}{}", checksum(entropy)));
        assert_eq!(key.hash, hash(&key.plain));
        assert_eq!(key.hash.len(), 64);
        assert_ne!(key.plain, NewKey::random().plain);
    }

    #[test]
    fn the_hash_is_that_of_the_recorded_keys() {
        assert_eq!(
            hash("CLIENTXCMSgoldenall"),
            "f8d658c0c47173bcd830cc68287b760316d7dfd76dd39f16a16156226224315d"
        );
    }

    #[test]
    fn a_bearer_text_is_split_at_its_first_bar() {
        assert_eq!(split("17|abc|d"), Some((17, "abc|d")));
        assert_eq!(split("abc"), None);
        assert_eq!(split("|abc"), None);
        assert_eq!(split("+1|abc"), None);
        assert_eq!(split("1|"), None);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bearer_texts_are_split_where_they_were_joined(id in 0..=i64::MAX, text in r"[0-9|a-z+-]{0,40}|\PC*") {
            let key = NewKey::random();
            let bearer = key.bearer(id);
            prop_assert_eq!(split(&bearer), Some((id, key.plain.as_str())));
            prop_assert!(split(&text).is_none_or(|(id, secret)| id >= 0 && text.ends_with(secret)));
        }
    }
}

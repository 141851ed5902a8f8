//! Passwords as the shop stores them: bcrypt `$2y$` of cost 12 (spec: `credentials.md` 3).

use bcrypt::Version;
use rand::Rng;
use rand::distr::Alphanumeric;

use crate::{Error, Result};

/// What a guess costs, as a power of two.
const COST: u32 = 12;

/// The hash of a password or token, made on a thread that may be busy for long.
///
/// # Errors
/// When the text cannot be hashed.
pub async fn hash(plain: impl Into<String>) -> Result<String> {
    let plain = plain.into();
    let hashing = tokio::task::spawn_blocking(move || bcrypt::hash_with_result(plain, COST));
    let parts = hashing.await.map_err(Error::internal)?.map_err(Error::internal)?;
    Ok(parts.format_for_version(Version::TwoY))
}

/// Random letters and digits from the system's randomness.
pub fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hashes_are_those_of_the_shop() {
        let hash = hash("demo-password").await.unwrap();
        assert!(hash.starts_with("$2y$12$"));
        assert!(bcrypt::verify("demo-password", &hash).unwrap());
    }

    #[test]
    fn random_texts_are_letters_and_digits() {
        let text = random(40);
        assert!(text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(text, random(40));
    }
}

//! Passwords as the shop stores them: bcrypt `$2y$` of cost 12 where they are written here, argon2 too
//! where the shop was set to it (spec: `credentials.md` 3).

use std::sync::{Mutex, PoisonError};

use argon2::{Argon2, PasswordVerifier};
use bcrypt::Version;
use rand::Rng;
use rand::distr::Alphanumeric;
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// What a guess costs, as a power of two.
const COST: u32 = 12;
/// Passwords that are compared at the same time: each one takes a processor, argon2 64 MiB as well.
const PLACES: usize = 2;
/// How a bcrypt hash of the shop begins.
const BCRYPT: &str = "$2y$";
/// How an argon2 hash of the shop begins.
const ARGON2: [&str; 2] = ["$argon2id$", "$argon2i$"];
/// Salt and digest of nobody's password, for bcrypt.
const NOBODY_BCRYPT: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";
/// Salt and digest of nobody's password, for argon2.
const NOBODY_ARGON2: &str = "bm9ib2R5bm9ib2R5bm8$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

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

/// Compares passwords with stored hashes. An account that does not exist takes as long as one that
/// does: then a hash that nobody has is compared, at the cost of the last one that somebody had.
pub struct Verifier {
    places: Semaphore,
    decoy: Mutex<String>,
}

impl Default for Verifier {
    fn default() -> Self {
        let decoy = Mutex::new(format!("{BCRYPT}{COST}${NOBODY_BCRYPT}"));
        Self { places: Semaphore::new(PLACES), decoy }
    }
}

impl Verifier {
    /// Whether a password is that of a stored hash, computed on a thread that may be busy for long.
    /// None fits where there is no hash, or one that is neither bcrypt `$2y$` nor argon2.
    ///
    /// # Errors
    /// When the computation is torn down with the server.
    pub async fn fits(&self, plain: String, stored: Option<&str>) -> Result<bool> {
        let place = self.places.acquire().await.map_err(Error::internal)?;
        let decoy = stored.and_then(decoy);
        let real = decoy.is_some();
        let hash = {
            let mut last = self.decoy.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(decoy) = decoy {
                *last = decoy;
            }
            stored.filter(|_| real).unwrap_or(&last).to_owned()
        };
        let computing = tokio::task::spawn_blocking(move || compare(&plain, &hash));
        let fits = computing.await.map_err(Error::internal)?;
        drop(place);
        Ok(fits && real)
    }
}

fn compare(plain: &str, hash: &str) -> bool {
    if hash.starts_with(BCRYPT) {
        return bcrypt::verify(plain, hash).unwrap_or(false);
    }
    Argon2::default().verify_password(plain.as_bytes(), hash).is_ok()
}

/// A hash that costs as much as this one and fits no password; `None` where the shop writes no such hashes.
fn decoy(stored: &str) -> Option<String> {
    if let Some(rest) = stored.strip_prefix(BCRYPT) {
        let (cost, _) = rest.split_once('$')?;
        return Some(format!("{BCRYPT}{cost}${NOBODY_BCRYPT}"));
    }
    let known = ARGON2.iter().any(|prefix| stored.starts_with(prefix));
    let (rest, _) = stored.rsplit_once('$').filter(|_| known)?;
    let (parameters, _) = rest.rsplit_once('$')?;
    Some(format!("{parameters}${NOBODY_ARGON2}"))
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

    #[tokio::test]
    async fn the_hashes_of_the_shop_fit_their_password_and_no_other() {
        let verifier = Verifier::default();
        // `password`, by PHP's password_hash.
        let known = [
            "$2y$10$vZj6KMFvKrJ461niehig3OR/v.52xfgha0H2YcedQOpBQkxBPnY7y",
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$0d2fS/oVpAjBrlU/TISqg9c6/NuUo7W1l+jrIBSJuWs",
            "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$Hg56JMrPeFPXBBspQrbUIq4m5J2VXL/yAUgizyvyl3s",
        ];
        for hash in known {
            assert!(verifier.fits("password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
            assert!(!verifier.fits("Password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        let foreign = known[0].replace("$2y$", "$2a$");
        for hash in ["", "password", "5f4dcc3b5aa765d61d8327deb882cf99", &foreign] {
            assert!(!verifier.fits("password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        assert!(!verifier.fits("password".to_owned(), None).await.unwrap());
    }

    #[test]
    fn decoys_cost_as_much_as_the_real_hash() {
        let bcrypt = decoy("$2y$10$vZj6KMFvKrJ461niehig3OR/v.52xfgha0H2YcedQOpBQkxBPnY7y").unwrap();
        assert_eq!(bcrypt.parse::<bcrypt::HashParts>().unwrap().get_cost(), 10);
        let argon2 = decoy("$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHQ$ZGlnZXN0").unwrap();
        assert!(argon2.starts_with("$argon2id$v=19$m=65536,t=4,p=1$") && argon2.ends_with(NOBODY_ARGON2));
        assert!(argon2::PasswordHash::new(&argon2).is_ok());
    }

    #[test]
    fn random_texts_are_letters_and_digits() {
        let text = random(40);
        assert!(text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(text, random(40));
    }
}

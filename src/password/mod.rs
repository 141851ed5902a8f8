//! Passwords as the shop stores them: bcrypt `$2y$` of cost 12 where they are written here, argon2 too
//! where the shop was set to it (spec: `credentials.md` 3).

mod line;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use argon2::{Argon2, PasswordVerifier};
use bcrypt::Version;
use rand::Rng;
use rand::distr::Alphanumeric;

use self::line::Line;
use crate::{Error, Result};

/// What a guess costs, as a power of two.
const COST: u32 = 12;
/// How a bcrypt hash of the shop begins.
const BCRYPT: &str = "$2y$";
/// How an argon2 hash of the shop begins.
const ARGON2: [&str; 2] = ["$argon2id$", "$argon2i$"];
/// Salt and digest of nobody's password, for bcrypt.
const NOBODY_BCRYPT: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";
/// Salt and digest of nobody's password, for argon2.
const NOBODY_ARGON2: &str = "bm9ib2R5bm9ib2R5bm8$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords and compares them with stored hashes, on threads that may be busy for long: a few at a
/// time, in a line that is fair between addresses. Other requests don't wait for it.
pub struct Passwords {
    line: Line,
    decoy: Mutex<String>,
}

impl Passwords {
    /// So many at a time, and so many who may wait.
    pub fn new(workers: usize, max_waiting: usize) -> Self {
        let decoy = Mutex::new(format!("{BCRYPT}{COST}${NOBODY_BCRYPT}"));
        Self { line: Line::new(workers, max_waiting), decoy }
    }

    /// The hash of a password or token, for a client at an address.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait; when the text cannot be hashed.
    pub async fn hash(&self, client: IpAddr, plain: impl Into<String>) -> Result<String> {
        let plain = plain.into();
        let parts = self.work(client, move || bcrypt::hash_with_result(plain, COST)).await?;
        Ok(parts.map_err(Error::internal)?.format_for_version(Version::TwoY))
    }

    /// Whether a password that a client at an address sends is that of a stored hash. None fits where there
    /// is no hash, or one that is neither bcrypt `$2y$` nor argon2. An account that does not exist takes as
    /// long as one that does: then a hash that nobody has is compared, at the cost of the last one that
    /// somebody had.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait.
    pub async fn fits(&self, client: IpAddr, plain: String, stored: Option<&str>) -> Result<bool> {
        let decoy = stored.and_then(decoy);
        let real = decoy.is_some();
        let hash = {
            let mut last = self.decoy.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(decoy) = decoy {
                *last = decoy;
            }
            stored.filter(|_| real).unwrap_or(&last).to_owned()
        };
        Ok(self.work(client, move || compare(&plain, &hash)).await? && real)
    }

    /// Does something that takes a processor for long. It keeps its place to its end, even where the client
    /// went away meanwhile.
    async fn work<T: Send + 'static>(
        &self,
        client: IpAddr,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let place = self.line.enter(client).await?;
        let working = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        working.await.map_err(Error::internal)
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

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn passwords() -> Passwords {
        Passwords::new(2, 16)
    }

    #[tokio::test]
    async fn hashes_are_those_of_the_shop() {
        let hash = passwords().hash(CLIENT, "demo-password").await.unwrap();
        assert!(hash.starts_with("$2y$12$"));
        assert!(bcrypt::verify("demo-password", &hash).unwrap());
    }

    #[tokio::test]
    async fn the_hashes_of_the_shop_fit_their_password_and_no_other() {
        let passwords = passwords();
        // `password`, by PHP's password_hash.
        let known = [
            "$2y$10$vZj6KMFvKrJ461niehig3OR/v.52xfgha0H2YcedQOpBQkxBPnY7y",
            "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$0d2fS/oVpAjBrlU/TISqg9c6/NuUo7W1l+jrIBSJuWs",
            "$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$Hg56JMrPeFPXBBspQrbUIq4m5J2VXL/yAUgizyvyl3s",
        ];
        for hash in known {
            assert!(passwords.fits(CLIENT, "password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
            assert!(!passwords.fits(CLIENT, "Password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        let foreign = known[0].replace("$2y$", "$2a$");
        for hash in ["", "password", "5f4dcc3b5aa765d61d8327deb882cf99", &foreign] {
            assert!(!passwords.fits(CLIENT, "password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        assert!(!passwords.fits(CLIENT, "password".to_owned(), None).await.unwrap());
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

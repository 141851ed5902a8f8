//! Stored password hashes: which ones are accepted, what verification costs, and decoys.

use argon2::{Argon2, Params, PasswordHash, PasswordVerifier};

use crate::platform::config::MAX_BCRYPT_ROUNDS;

/// Prefix of the shop's bcrypt hashes.
const BCRYPT: &str = "$2y$";
/// Prefixes of the shop's argon2 hashes.
const ARGON2: [&str; 2] = ["$argon2id$", "$argon2i$"];
/// Salt and digest of decoys, for bcrypt. No bit is set beyond their bytes: a hash that is malformed is refused without work.
const NOBODY_BCRYPT: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";
/// Salt and digest of decoys, for argon2.
const NOBODY_ARGON2: &str = "bm9ib2R5bm9ib2R5bm8$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Highest accepted product of memory in KiB and passes of an argon2 hash: 16 times that of the shop's default, 64
/// MiB and 4 passes.
const MAX_ARGON2_WORK: u64 = 16 * 4 * 64 * 1024;

/// A hash that can be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredHash {
    text: String,
    /// Memory that verification takes, in KiB; 0: very little.
    pub(super) memory: u32,
}

impl StoredHash {
    /// A bcrypt decoy of this cost.
    pub(super) fn decoy_of_cost(cost: u32) -> Self {
        Self { text: format!("{BCRYPT}{cost:02}${NOBODY_BCRYPT}"), memory: 0 }
    }

    /// Parses a stored hash; `None` where it is of another kind, or verification would cost too much.
    pub(super) fn parse(stored: &str) -> Option<Self> {
        let memory = if let Some(rest) = stored.strip_prefix(BCRYPT) {
            let (cost, _) = rest.split_once('$')?;
            cost.parse().ok().filter(|&cost: &u32| cost <= MAX_BCRYPT_ROUNDS)?;
            0
        } else {
            ARGON2.iter().find(|prefix| stored.starts_with(*prefix))?;
            let parameters = Params::try_from(&PasswordHash::new(stored).ok()?).ok()?;
            let work = u64::from(parameters.m_cost()) * u64::from(parameters.t_cost());
            Some(parameters.m_cost()).filter(|_| work <= MAX_ARGON2_WORK)?
        };
        Some(Self { text: stored.to_owned(), memory })
    }

    /// A decoy: a hash that costs as much as this one and matches no password.
    pub(super) fn decoy(&self) -> Self {
        if let Some(rest) = self.text.strip_prefix(BCRYPT) {
            let (cost, _) = rest.split_once('$').unwrap_or((rest, ""));
            return Self { text: format!("{BCRYPT}{cost}${NOBODY_BCRYPT}"), memory: 0 };
        }
        let parameters = self.text.rsplitn(3, '$').nth(2).unwrap_or(&self.text);
        Self { text: format!("{parameters}${NOBODY_ARGON2}"), memory: self.memory }
    }

    /// Whether a password matches the hash. It takes a processor for long.
    pub(super) fn verify(&self, plain: &str) -> bool {
        if self.text.starts_with(BCRYPT) {
            return bcrypt::verify(plain, &self.text).unwrap_or(false);
        }
        Argon2::default().verify_password(plain.as_bytes(), self.text.as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "$2y$10$vZj6KMFvKrJ461niehig3OR/v.52xfgha0H2YcedQOpBQkxBPnY7y";

    #[test]
    fn decoys_cost_as_much_as_the_real_hash() {
        let bcrypt = StoredHash::parse(KNOWN).unwrap().decoy();
        assert_eq!(bcrypt.text.parse::<bcrypt::HashParts>().unwrap().get_cost(), 10);
        let argon2 =
            StoredHash::parse("$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0").unwrap().decoy();
        assert!(argon2.text.starts_with("$argon2id$v=19$m=65536,t=4,p=1$"));
        assert!(argon2.text.ends_with(NOBODY_ARGON2));
        assert_eq!(StoredHash::parse(&argon2.text), Some(argon2), "it is a hash itself");
        let decoy = StoredHash::decoy_of_cost(4);
        assert_eq!(
            bcrypt::verify("password", &decoy.text).ok(),
            Some(false),
            "it is compared, and does not match"
        );
        assert!(StoredHash::parse(&decoy.text).is_some());
    }

    #[test]
    fn what_would_cost_too_much_is_no_hash() {
        let argon2 = |m: u32, t: u32| {
            StoredHash::parse(&format!("$argon2id$v=19$m={m},t={t},p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0"))
        };
        assert_eq!(argon2(65_536, 4).unwrap().memory, 65_536);
        assert!(argon2(65_536, 64).is_some() && argon2(65_536, 65).is_none());
        assert!(argon2(4_000_000_000, 2).is_none());
        assert!(StoredHash::parse(&KNOWN.replace("$10$", "$16$")).is_some());
        assert!(StoredHash::parse(&KNOWN.replace("$10$", "$17$")).is_none());
    }
}

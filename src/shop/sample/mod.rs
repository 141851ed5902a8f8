//! Invented shops: what the makers of rows share. A resource makes the rows of its tables in `demo.rs` (for
//! `guichet serve --demo`) and `seed.rs` (for `guichet seed`), and declares there after which others; the command line runs
//! all makers in that order. No request runs this code.

pub mod batch;
pub mod demo;
pub mod dice;
pub mod money;
pub mod order;
pub mod seed;

use std::error::Error;
use std::pin::Pin;

/// Why rows could not be made: the database, or a file of invented rows that is not as its reader expects.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Rows being made.
pub type Work<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// A maker by its name, which is that of its resource.
pub type Named<M> = (&'static str, M);

/// The customer of the demo shop whom its pages sign in.
pub const CUSTOMER_EMAIL: &str = "camille.fabre@client.example";

/// The member of the staff of the demo shop who may do everything.
pub const STAFF_EMAIL: &str = "louise@lanternes.example";

/// The password of everybody who is invented.
pub const PASSWORD_TEXT: &str = "demo-password";

/// bcrypt hash (cost 12) of [`PASSWORD_TEXT`].
pub const PASSWORD: &str = "$2y$12$guichetDemoShopSalt12uoJzPvEsf6t0HNc0ixv2ipOqpmTJEKuG";

/// The secret of the authenticator app of everybody who is invented with a second factor.
pub const AUTHENTICATOR_SECRET: &str = "LANTERNELANTERNE";

/// The makers of a resource that makes no rows: `resources!` takes them where a resource has no module of that name.
pub mod nothing {
    /// No rows of the demo shop.
    pub mod demo {
        /// Makes nothing.
        pub const MAKER: crate::shop::sample::demo::Maker = crate::shop::sample::demo::Maker::NOTHING;
    }

    /// No rows of a seeded shop.
    pub mod seed {
        /// Makes nothing.
        pub const MAKER: crate::shop::sample::seed::Maker = crate::shop::sample::seed::Maker::NOTHING;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documented_password_fits_its_hash() {
        assert!(bcrypt::verify(super::PASSWORD_TEXT, super::PASSWORD).is_ok_and(|fits| fits));
    }
}

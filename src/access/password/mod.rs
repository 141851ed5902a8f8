//! Passwords as the shop stores them: bcrypt `$2y$` of the cost that `BCRYPT_ROUNDS` sets where they are written
//! here, argon2 too where the shop was set to it (docs/contract/credentials.md#3).

mod hash;
mod queue;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bcrypt::Version;
use tokio::sync::Semaphore;

use self::hash::StoredHash;
use self::queue::FairQueue;
use crate::platform::network;
use crate::{Error, Result};

/// Memory for each of those that work at the same time, in KiB: what a hash of the shop takes where it is
/// set to argon2.
const WORKER_MEMORY_KIB: usize = 64 * 1024;

/// Hashes passwords and compares them with stored hashes, on threads that may be busy for long: a few at a
/// time, in a line that is fair between addresses. Other requests don't wait for it.
pub struct Passwords {
    queue: FairQueue,
    /// Memory that they all take together, in KiB.
    memory: Arc<Semaphore>,
    max_memory: usize,
    /// What a guess of a password that is written here costs, as a power of two.
    cost: u32,
    decoy: Mutex<StoredHash>,
}

impl Passwords {
    /// So many at a time, and so many who may wait. Those that are written take a guess `2^cost` rounds.
    pub fn new(workers: usize, max_waiting: usize, cost: u32) -> Self {
        let max_memory = workers.saturating_mul(WORKER_MEMORY_KIB).min(Semaphore::MAX_PERMITS);
        Self {
            queue: FairQueue::new(workers, max_waiting),
            memory: Arc::new(Semaphore::new(max_memory)),
            max_memory,
            cost,
            decoy: Mutex::new(StoredHash::decoy_of_cost(cost)),
        }
    }

    /// The hash of a password or token, for a client at an address.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait; when the text cannot be hashed.
    pub async fn hash(&self, client: IpAddr, plain: impl Into<String>) -> Result<String> {
        let (plain, cost) = (plain.into(), self.cost);
        let parts = self.run_on_worker(client, 0, move || bcrypt::hash_with_result(plain, cost)).await?;
        Ok(parts.map_err(Error::internal)?.format_for_version(Version::TwoY))
    }

    /// Whether a password that a client at an address sends is that of a stored hash. None fits where there
    /// is no hash, one that is neither bcrypt `$2y$` nor argon2, or one that would cost far more than the
    /// shop's. An account that does not exist takes as long as one that does: then a hash that nobody has is
    /// compared, at the cost of the last one that somebody had.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait.
    pub async fn verify(&self, client: IpAddr, plain: String, stored: Option<&str>) -> Result<bool> {
        let real = stored.and_then(|stored| self.parse(stored));
        let is_real = real.is_some();
        let hash = {
            let mut decoy = self.decoy.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(real) = &real {
                *decoy = real.decoy();
            }
            real.unwrap_or_else(|| decoy.clone())
        };
        Ok(self.run_on_worker(client, hash.memory, move || hash.verify(&plain)).await? && is_real)
    }

    /// A stored hash that can be compared with.
    fn parse(&self, stored: &str) -> Option<StoredHash> {
        let fits_in =
            |hash: &StoredHash| usize::try_from(hash.memory).is_ok_and(|kib| kib <= self.max_memory);
        let hash = StoredHash::parse(stored).filter(fits_in);
        if hash.is_none() {
            tracing::warn!(
                "an account's stored password is no bcrypt or argon2 hash, or comparing with it costs too much"
            );
        }
        hash
    }

    /// Does something that takes a processor for long, and memory (KiB). It keeps its place to its end, even
    /// where the client went away meanwhile.
    async fn run_on_worker<T: Send + 'static>(
        &self,
        client: IpAddr,
        memory: u32,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let permit = self.queue.acquire(network::client_network(client)).await?;
        let memory = Arc::clone(&self.memory).acquire_many_owned(memory).await.map_err(Error::internal)?;
        let working = tokio::task::spawn_blocking(move || {
            let _taken = (permit, memory);
            work()
        });
        working.await.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn passwords() -> Passwords {
        Passwords::new(2, 16, 12)
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
            assert!(passwords.verify(CLIENT, "password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
            assert!(!passwords.verify(CLIENT, "Password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        let foreign = known[0].replace("$2y$", "$2a$");
        let large = known[1].replace("m=64,", "m=131073,");
        for hash in ["", "password", "5f4dcc3b5aa765d61d8327deb882cf99", &foreign, &large] {
            assert!(!passwords.verify(CLIENT, "password".to_owned(), Some(hash)).await.unwrap(), "{hash}");
        }
        assert!(!passwords.verify(CLIENT, "password".to_owned(), None).await.unwrap());
    }
}

//! Hashing and verification of passwords. New hashes are bcrypt `$2y$` with the cost of `BCRYPT_ROUNDS`; stored
//! hashes may also be argon2, if the shop is configured for it (docs/contract/credentials.md#3).

mod hash;
mod queue;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bcrypt::Version;
use facade::gate::GateState;
use tokio::sync::Semaphore;

use self::hash::StoredHash;
use self::queue::FairQueue;
use crate::platform::network;
use crate::{Error, Result};

/// Memory for each worker, in KiB: what an argon2 hash takes with the shop's default settings.
const WORKER_MEMORY_KIB: usize = 64 * 1024;

/// Hashes and verifies passwords on blocking threads: a few at a time, with a queue that is fair between client
/// addresses. Other requests are not delayed by it.
pub struct Passwords {
    queue: FairQueue,
    /// Limits the memory of all workers together, in KiB.
    memory: Arc<Semaphore>,
    max_memory: usize,
    /// Cost of new hashes, as a power of two.
    cost: u32,
    decoy: Mutex<StoredHash>,
}

impl Passwords {
    /// `workers` passwords are hashed at the same time, and at most `max_waiting` wait. `cost` is that of new hashes.
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

    /// How many passwords are worked on and wait.
    pub fn gate_state(&self) -> GateState {
        self.queue.gate_state()
    }

    /// Hashes a password or token. `client` is the address that its queue place counts for.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many wait; when the text cannot be hashed.
    pub async fn hash(&self, client: IpAddr, plain: impl Into<String>) -> Result<String> {
        let (plain, cost) = (plain.into(), self.cost);
        let parts = self.run_on_worker(client, 0, move || bcrypt::hash_with_result(plain, cost)).await?;
        Ok(parts.map_err(Error::internal)?.format_for_version(Version::TwoY))
    }

    /// Whether a password matches a stored hash. False where there is no hash, where it is neither bcrypt `$2y$`
    /// nor argon2, and where its cost is far above the shop's. To hide whether an account exists, a password
    /// without a usable hash is compared with a decoy that costs as much as the last usable hash.
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

    /// Parses a stored hash; `None` where it cannot be verified.
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

    /// Runs work that takes a processor for long, and `memory` KiB. It keeps its permit to its end, also if the client
    /// disconnects.
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

//! Many clients change the same records at the same time, by every mutation and in both APIs. Then the invariants are
//! checked on the rows of the database.
//!
//! * `GUICHET_OPERATIONS`: how many operations (a few without it, 2,000 in CI).
//! * `GUICHET_SEED`: the operations of each client follow from it. A run prints its seed; with the same one, each
//!   client sends the same operations in the same order:
//!   `GUICHET_SEED=7 GUICHET_OPERATIONS=2000 cargo test --test api invariants -- --nocapture`.
//!   The interleaving of the clients differs: a failure reappears after some runs and not in each.
//! * `GUICHET_TEST_DATABASE`: on which database (see [`crate::harness::store`]).
//!
//! The clock is frozen, so all changes are in one second: `updated_at` must be different for each nevertheless.
//!
//! [`operation`] draws the operations, [`send`](mod@send) sends them, [`sessions`] sign in and out meanwhile, [`book`]
//! records the answers, [`laws`] compares the rows with them.

mod book;
mod laws;
mod operation;
mod send;
mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use self::book::Book;
use self::operation::{Meeting, Operation};
use crate::harness::shop::Shop;
use crate::harness::store::BACKEND;

/// Clients that write at the same time.
const CLIENTS: u64 = 8;
/// Default number of operations.
const FEW: u64 = 160;
/// One of this many operations is a meeting: all clients change the same records at the same moment.
const MEETINGS: u64 = 3;
/// One of this many operations is followed by a sign-in and a sign-out.
const SESSIONS: u64 = 40;
/// How often the rows are checked during the run.
const LOOK: Duration = Duration::from_secs(2);
/// Maximum percentage of operations that are answered with 503 because the database is too busy.
const BUSY_PERCENT: usize = 2;

/// The number in an environment variable.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: a number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_clients_do_at_once() {
    let seed = setting("GUICHET_SEED").unwrap_or_else(|| rand::rng().random_range(0..1_000_000));
    let operations = setting("GUICHET_OPERATIONS").unwrap_or(FEW);
    println!("GUICHET_SEED={seed} GUICHET_OPERATIONS={operations} on {:?}", *BACKEND);
    let shop = Shop::with("en", |config| {
        config.rate_limit = None;
        config.cost_limit = None;
        config.sign_in_limit = None;
    });
    let shop = Arc::new(shop.await);
    let book = Arc::new(Book::new(shop.rows().await));
    let begun = Instant::now();
    let table = Arc::new(Barrier::new(usize::try_from(CLIENTS).expect("few clients")));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (shop, book, table) = (Arc::clone(&shop), Arc::clone(&book), Arc::clone(&table));
        let client = Client { shop, book, table, seed, number };
        clients.spawn(client.run(operations / CLIENTS));
    }
    loop {
        tokio::select! {
            // Where one fails, the others are not waited for: they would wait for it.
            ended = clients.join_next() => match ended {
                Some(ended) => ended.expect("a client"),
                None => break,
            },
            () = tokio::time::sleep(LOOK.min(begun.elapsed() / 4)) => {
                laws::of_structure(&book, &shop.rows().await);
            }
        }
    }
    println!("{:?}: {}", begun.elapsed(), book.report());
    let rows = shop.rows().await;
    laws::of_structure(&book, &rows);
    laws::of_answers(&book, &rows);
    let busy = book.answered(503);
    assert!(busy * 100 <= book.sent() * BUSY_PERCENT, "{busy} of {} were answered 503", book.sent());
    Arc::into_inner(shop).expect("nobody else has the shop").close().await;
}

struct Client {
    shop: Arc<Shop>,
    book: Arc<Book>,
    /// The barrier at which all clients wait, to start at the same moment.
    table: Arc<Barrier>,
    seed: u64,
    number: u64,
}

impl Client {
    /// Runs a number of operations, one after the other.
    async fn run(self, operations: u64) {
        let Self { shop, book, table, seed, number: client } = self;
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(CLIENTS).wrapping_add(client));
        for number in 0..operations {
            let meeting = (number % MEETINGS == 0).then(|| Meeting::of(seed, number));
            let (tag, own) = (format!("tag-{client}-{number}-"), client * operations + number);
            let operation = Operation::draw(&mut rng, tag, own, meeting.as_ref());
            send::send(&shop, &book, &operation, meeting.map(|_| &*table)).await;
            if number % SESSIONS == client {
                sessions::come_and_go(&shop, &book, &mut rng).await;
            }
        }
    }
}

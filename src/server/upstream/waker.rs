//! A waker for a task that polls both halves of a connection.
//!
//! hyper's two halves of a client connection wake each other, as if each had a task of its own. If one task polls
//! both, it wakes itself while it runs: it would be queued again, and another thread woken for it. This waker wakes
//! the task only while the task waits; while it polls, it asks the waker whether it was woken.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// The waker of a connection.
#[derive(Default)]
pub(super) struct ConnectionWaker(Arc<WakerState>);

struct WakerState {
    /// Whether the task is polling, so that it need not be woken.
    is_polling: AtomicBool,
    was_woken: AtomicBool,
    task: AtomicWaker,
}

impl Default for WakerState {
    fn default() -> Self {
        Self { is_polling: AtomicBool::new(true), was_woken: AtomicBool::default(), task: AtomicWaker::new() }
    }
}

impl ConnectionWaker {
    /// Begins a poll; returns the waker for it, which does not wake the task.
    pub(super) fn polling_waker(&self) -> Waker {
        self.0.is_polling.store(true, SeqCst);
        Waker::from(Arc::clone(&self.0))
    }

    /// Whether it was woken since the last call.
    pub(super) fn was_woken(&self) -> bool {
        self.0.was_woken.swap(false, SeqCst)
    }

    /// Ends a poll: from now on the task is woken; at once if it was woken since the last [`Self::was_woken`].
    pub(super) fn wake_task(&self, task: &Waker) {
        self.0.task.register(task);
        self.0.is_polling.store(false, SeqCst);
        if self.was_woken() {
            task.wake_by_ref();
        }
    }
}

impl Wake for WakerState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The order matters: a task that ends its poll at the same moment either sees `has_rung` or is woken.
        self.was_woken.store(true, SeqCst);
        if !self.is_polling.load(SeqCst) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(std::sync::atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_where_it_waits_and_not_while_it_polls() {
        let count = Arc::new(Count(0.into()));
        let (bell, task) = (ConnectionWaker::default(), Waker::from(Arc::clone(&count)));
        let woken = || count.0.load(SeqCst);
        let inner = bell.polling_waker();
        inner.wake_by_ref();
        assert!(bell.was_woken() && !bell.was_woken());
        assert_eq!(woken(), 0, "a task that polls asks by itself");
        bell.wake_task(&task);
        assert_eq!(woken(), 0);
        inner.wake_by_ref();
        assert_eq!(woken(), 1);
        let inner = bell.polling_waker();
        inner.wake();
        assert_eq!(woken(), 1);
        bell.wake_task(&task);
        assert_eq!(woken(), 2, "what rang before the task waits is not lost");
    }
}

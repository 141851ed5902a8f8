//! What wakes a task that drives both ends of a connection itself.
//!
//! hyper's halves of a client connection wake each other, as if each had a task of its own. Where one task polls
//! both, it would wake itself while it runs: it would be put behind others, and another thread woken to fetch it.
//! A bell wakes the task only while that waits; a task that polls asks the bell whether it rang.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Wake, Waker};

use futures_util::task::AtomicWaker;

/// A waker for both halves, instead of the task's own.
#[derive(Default)]
pub(super) struct Bell(Arc<State>);

struct State {
    /// Whether the task is polling and asks by itself.
    is_silent: AtomicBool,
    has_rung: AtomicBool,
    task: AtomicWaker,
}

impl Default for State {
    fn default() -> Self {
        Self { is_silent: AtomicBool::new(true), has_rung: AtomicBool::default(), task: AtomicWaker::new() }
    }
}

impl Bell {
    /// Wakes nobody while its connection is polled with the waker that is returned.
    pub(super) fn silence(&self) -> Waker {
        self.0.is_silent.store(true, SeqCst);
        Waker::from(Arc::clone(&self.0))
    }

    /// Whether it rang since that was asked last.
    pub(super) fn has_rung(&self) -> bool {
        self.0.has_rung.swap(false, SeqCst)
    }

    /// Wakes a task from now on, and at once where it rang since it was asked last.
    pub(super) fn ring_for(&self, task: &Waker) {
        self.0.task.register(task);
        self.0.is_silent.store(false, SeqCst);
        if self.has_rung() {
            task.wake_by_ref();
        }
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // In this order: a task that stops polling at the same moment sees that it rang, or is woken.
        self.has_rung.store(true, SeqCst);
        if !self.is_silent.load(SeqCst) {
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
        let (bell, task) = (Bell::default(), Waker::from(Arc::clone(&count)));
        let woken = || count.0.load(SeqCst);
        let inner = bell.silence();
        inner.wake_by_ref();
        assert!(bell.has_rung() && !bell.has_rung());
        assert_eq!(woken(), 0, "a task that polls asks by itself");
        bell.ring_for(&task);
        assert_eq!(woken(), 0);
        inner.wake_by_ref();
        assert_eq!(woken(), 1);
        let inner = bell.silence();
        inner.wake();
        assert_eq!(woken(), 1);
        bell.ring_for(&task);
        assert_eq!(woken(), 2, "what rang before the task waits is not lost");
    }
}

//! A waker for a task that polls both halves of a connection.
//!
//! hyper's two halves of a client connection wake each other, as if each had a task of its own. If one task polls
//! both, it wakes itself while it runs: it would be queued again, and another thread woken for it. This waker wakes
//! the task only while the task waits; while it polls, it asks the waker whether it was woken.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often a connection is polled in a row if it wakes itself.
const MAX_POLLS: usize = 4;

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

    /// Polls until there is a result, or until a poll has not woken itself. After [`MAX_POLLS`] polls in a row it wakes the
    /// task, so that other tasks run before it goes on.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let waker = self.polling_waker();
        let mut inner = Context::from_waker(&waker);
        for polls in 1..=MAX_POLLS {
            if let ready @ Poll::Ready(_) = poll(&mut inner) {
                return ready;
            }
            // After the last poll, `wake_task` asks.
            if polls < MAX_POLLS && !self.was_woken() {
                break;
            }
        }
        self.wake_task(cx.waker());
        Poll::Pending
    }

    /// Whether it was woken since the last call.
    fn was_woken(&self) -> bool {
        self.0.was_woken.swap(false, SeqCst)
    }

    /// Ends a poll: from now on the task is woken; at once if it was woken since the last [`Self::was_woken`].
    fn wake_task(&self, task: &Waker) {
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

    /// Regression: after [`MAX_POLLS`] polls in a row the task was not woken again, and slept until the time limit.
    #[test]
    fn a_poll_that_always_wakes_itself_goes_on_later() {
        let count = Arc::new(Count(0.into()));
        let (waker, task) = (ConnectionWaker::default(), Waker::from(Arc::clone(&count)));
        let mut cx = Context::from_waker(&task);
        let mut left = 2 * MAX_POLLS + 1;
        let mut poll = |inner: &mut Context<'_>| {
            left -= 1;
            inner.waker().wake_by_ref();
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        };
        for woken in 1..=2 {
            assert!(waker.poll(&mut cx, &mut poll).is_pending());
            assert_eq!(count.0.load(SeqCst), woken);
        }
        assert!(waker.poll(&mut cx, &mut poll).is_ready());
        assert!(waker.poll(&mut cx, |_| Poll::<()>::Pending).is_pending());
        assert!(waker.poll(&mut cx, |_| Poll::<()>::Pending).is_pending());
        assert_eq!(count.0.load(SeqCst), 2, "nothing has happened, so the task waits");
    }

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

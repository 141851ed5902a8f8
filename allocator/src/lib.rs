//! The program's allocator: mimalloc, told to give free memory back to the system at once.
//!
//! By default it waits a second, and then until somebody allocates again: after a burst of large requests, an idle
//! server would keep tens of megabytes.

use std::sync::Once;

pub use mimalloc::MiMalloc;

/// Number of the option `mi_option_purge_delay` in `mimalloc.h` of mimalloc 3; the bindings don't name it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

static SET: Once = Once::new();

/// Gives memory back to the system as soon as it is free. To be called when the program starts.
pub fn give_back_at_once() {
    // SAFETY: the call writes one number to a static table of options. Its number is in the table, and no other
    // thread writes to the table.
    SET.call_once(|| unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        // SAFETY: reads one number from a static table of options.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "the delay by default, in milliseconds");
        give_back_at_once();
        assert_eq!(delay(), 0);
    }
}

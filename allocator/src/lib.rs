//! The program's allocator: mimalloc, and a call that gives free memory back to the system.
//!
//! mimalloc returns memory a second after it became free, and only at a later allocation: after a burst
//! of large requests, an idle server would keep tens of megabytes. Giving it back at once, on the other hand, costs
//! a quarter of the CPU of requests that allocate much.

pub use mimalloc::MiMalloc;

/// Returns free memory to the system: of this thread, of threads that have ended, and what they all share.
pub fn give_back() {
    // SAFETY: the call takes a truth value and touches nothing but the allocator's own state, which it locks.
    unsafe { libmimalloc_sys::mi_collect(true) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: MiMalloc = MiMalloc;

    #[test]
    fn memory_in_use_stays() {
        let kept: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        drop(vec![1_u8; 8 << 20]);
        give_back();
        assert!(kept.iter().zip((0..=255).cycle()).all(|(kept, written): (&u8, u8)| *kept == written));
    }
}

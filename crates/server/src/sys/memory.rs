//! The allocator's memory.

/// Gives memory that is allocated to nobody back to the system, where the C
/// library can. Blocks those who allocate meanwhile, for milliseconds.
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no pointer is passed; the allocator locks its own state.
    unsafe {
        libc::malloc_trim(0);
    }
}

//! What glibc's allocator has to be told. Each thread has a heap of its own there, and files are read on several.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    /// A heap would grow by a page at a time, each time with a call that holds up all threads.
    pub fn grow_in_large_steps() {
        // SAFETY: a setting of the allocator, made before there is a second thread.
        unsafe { libc::mallopt(libc::M_TOP_PAD, 4 << 20) };
    }

    /// Heaps of threads that have ended keep what was freed in them, though nobody will ask for it again.
    pub fn give_back() {
        // SAFETY: may be called at any time; it only returns free pages to the system.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod glibc {
    pub fn grow_in_large_steps() {}

    pub fn give_back() {}
}

pub use glibc::{give_back, grow_in_large_steps};

//! How full a ring is, for a watcher: a handle that reads the ring's own index words and nothing else. It
//! holds neither the ring nor what is in it: when both ends are gone there is nothing left to read. Neither
//! end knows of it, and neither does anything for it.

use super::shared::Shared;
use super::sync::Arc;

/// A watcher's handle of a ring.
pub struct Fill {
    slots: usize,
    values: Box<dyn Fn() -> usize + Send + Sync>,
}

impl Fill {
    #[cfg(not(feature = "loom"))]
    pub(super) fn of<T: Send + 'static>(shared: &Arc<Shared<T>>) -> Fill {
        // Held for the time of a reading only. If both ends go in that time, what is left in the ring is
        // dropped by the watcher, which is as good as any thread (T: Send).
        let ring = Arc::downgrade(shared);
        let values = move || ring.upgrade().map_or(0, |ring| ring.filled());
        Fill { slots: shared.capacity(), values: Box::new(values) }
    }

    /// loom's `Arc` cannot be held weakly, and nobody watches its models: says that the ring is empty.
    #[cfg(feature = "loom")]
    pub(super) fn of<T: Send + 'static>(shared: &Arc<Shared<T>>) -> Fill {
        Fill { slots: shared.capacity(), values: Box::new(|| 0) }
    }

    /// Slots in all.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Values in it now, at most its slots; 0 once both ends are gone.
    #[must_use]
    pub fn values(&self) -> usize {
        (self.values)()
    }
}

impl std::fmt::Debug for Fill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fill").field("slots", &self.slots).field("values", &self.values()).finish()
    }
}

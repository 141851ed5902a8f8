//! What resources keep in memory between requests.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type that a resource has asked for. Root types hold nothing themselves: they belong to the schema,
/// which all servers of a process share.
#[derive(Default)]
pub struct ResourceStates(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl ResourceStates {
    /// The value of this type; the first call makes it.
    pub fn get<T: Any + Send + Sync + Default>(&self) -> Arc<T> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default());
        Arc::clone(state).downcast().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::ResourceStates;

    #[test]
    fn a_type_has_one_value() {
        let states = ResourceStates::default();
        states.get::<AtomicU8>().store(5, Ordering::Relaxed);
        assert_eq!(states.get::<AtomicU8>().load(Ordering::Relaxed), 5);
        assert_eq!(ResourceStates::default().get::<AtomicU8>().load(Ordering::Relaxed), 0);
    }
}

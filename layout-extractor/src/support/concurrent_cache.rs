//! A cache that several threads read and fill at once.

use std::hash::{BuildHasher, Hash};
use std::sync::{PoisonError, RwLock};

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SHARDS: usize = 16;

/// A map from questions to answers, in shards, so that threads seldom wait for each other.
pub(crate) struct ConcurrentCache<K, V> {
    shards: [RwLock<FxHashMap<K, V>>; SHARDS],
}

impl<K, V> Default for ConcurrentCache<K, V> {
    fn default() -> Self {
        ConcurrentCache { shards: Default::default() }
    }
}

impl<K: Hash + Eq, V: Clone> ConcurrentCache<K, V> {
    /// The cached answer, or the one that `make` returns. Errors are not cached: they are rare, and
    /// cheap to find again.
    pub(crate) fn get_or_try<E>(
        &self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let shard = &self.shards[shard_of(&key)];
        if let Some(known) = shard.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let made = make()?;
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        Ok(shard.entry(key).or_insert(made).clone())
    }
}

/// The shard of a key, by other bits of the hash than the map in the shard uses.
fn shard_of(key: &impl Hash) -> usize {
    (FxBuildHasher.hash_one(key) >> 32) as usize % SHARDS
}

impl<K: Serialize + Ord + Clone, V: Serialize + Clone> Serialize for ConcurrentCache<K, V> {
    /// As a list of pairs, in the order of the keys.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<(K, V)> = Vec::new();
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        serializer.collect_seq(all)
    }
}

impl<'de, K: Deserialize<'de> + Hash + Eq, V: Deserialize<'de> + Clone> Deserialize<'de>
    for ConcurrentCache<K, V>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut cache = ConcurrentCache::default();
        for (key, value) in Vec::<(K, V)>::deserialize(deserializer)? {
            let shard =
                cache.shards[shard_of(&key)].get_mut().unwrap_or_else(PoisonError::into_inner);
            shard.insert(key, value);
        }
        Ok(cache)
    }
}

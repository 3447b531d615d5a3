//! A direct-mapped cache: a table of fixed size in which a new key evicts the one in its slot.
//!
//! A key that was evicted counts as new when it comes again, so the cache only ever saves work.

/// Recent keys, with a value each.
pub(crate) struct DirectMappedCache<K, V> {
    places: Box<[(K, V)]>,
}

impl<K: Copy + PartialEq + Into<u64>, V: Copy + Default> DirectMappedCache<K, V> {
    /// A cache of two to the power of `bits` slots. `nothing` is a number that is never a key.
    pub(crate) fn new(bits: u32, nothing: K) -> Self {
        Self { places: vec![(nothing, V::default()); 1 << bits].into() }
    }

    /// The value of a key, if it is still in its slot.
    #[inline]
    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        let (known, value) = *self.place(key);
        (known == key).then_some(value)
    }

    /// Puts a key into its slot, in place of another one.
    #[inline]
    pub(crate) fn put(&mut self, key: K, value: V) {
        *self.place(key) = (key, value);
    }

    #[inline]
    fn place(&mut self, key: K) -> &mut (K, V) {
        // The upper bits of a product depend on all bits of the key.
        let hash = key.into().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &mut self.places[hash as usize & (self.places.len() - 1)]
    }
}

impl<K: Copy + PartialEq + Into<u64>> DirectMappedCache<K, ()> {
    /// Puts a key into its slot; whether it was not there before.
    #[inline]
    pub(crate) fn is_new(&mut self, key: K) -> bool {
        std::mem::replace(&mut self.place(key).0, key) != key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_met_is_known_until_another_takes_its_place() {
        let mut met = DirectMappedCache::new(0, u32::MAX);
        assert!(met.is_new(7));
        assert!(!met.is_new(7));
        assert!(met.is_new(8));
        assert!(met.is_new(7));
        let mut known = DirectMappedCache::new(4, u64::MAX);
        assert_eq!(known.get(7), None);
        known.put(7, 'a');
        assert_eq!(known.get(7), Some('a'));
    }
}

//! LATELY: what was met lately, in a table whose size is fixed. What comes to a place that is taken
//! takes it; so something may be met as new that is not.

//! LATELY: what was met lately, in a table whose size is fixed. What comes to a place that is taken
//! takes it; so something may be met as new that is not.

/// Keys that were met lately, and what is known of each.
pub(crate) struct DirectMappedCache<K, V> {
    places: Box<[(K, V)]>,
}

impl<K: Copy + PartialEq + Into<u64>, V: Copy + Default> DirectMappedCache<K, V> {
    /// A table of two to the power of `bits` places; no key is `nothing`.
    pub(crate) fn new(bits: u32, nothing: K) -> Self {
        Self { places: vec![(nothing, V::default()); 1 << bits].into() }
    }

    /// What is known of a key.
    #[inline]
    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        let (known, value) = *self.place(key);
        (known == key).then_some(value)
    }

    /// Keeps what is known of a key, in place of another one's.
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
    /// Whether a key was not met, as far as is known. From now on it was.
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

//! Places with a generation: an id that is stale is told from one that is not.

/// Where a value stands: its place, and how often that place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Place.
    pub index: u32,
    /// Which use of the place.
    pub generation: u32,
}

/// For how many values there is room at least where memory is asked for.
const LEAST_MORE: usize = 8;

enum Place<V> {
    Full { generation: u32, value: V },
    Free { generation: u32, next: Option<u32> },
}

/// Values in numbered places. Taking one out and putting one in reuses memory.
pub struct Slots<V> {
    places: Vec<Place<V>>,
    free: Option<u32>,
    len: usize,
}

impl<V> Default for Slots<V> {
    fn default() -> Self {
        Slots { places: Vec::new(), free: None, len: 0 }
    }
}

impl<V> Slots<V> {
    /// With room for so many values before memory is asked for again.
    pub fn with_capacity(capacity: usize) -> Self {
        Slots { places: Vec::with_capacity(capacity), free: None, len: 0 }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a value in. Generations wrap at `generations`, a power of two. `None` where as many
    /// values as an index can count are there already.
    pub fn insert(&mut self, value: V, generations: u32) -> Option<Slot> {
        let slot = match self.free {
            Some(index) => {
                let place = self.places.get_mut(index as usize)?;
                let Place::Free { generation, next } = *place else {
                    return None;
                };
                let generation = generation.wrapping_add(1) & (generations - 1);
                *place = Place::Full { generation, value };
                self.free = next;
                Slot { index, generation }
            }
            None => {
                let index = u32::try_from(self.places.len()).ok()?;
                if self.places.len() == self.places.capacity() {
                    // Not twice as many: what a million transfers take is counted with it.
                    self.places.reserve_exact(self.places.len() / 8 + LEAST_MORE);
                }
                self.places.push(Place::Full { generation: 0, value });
                Slot { index, generation: 0 }
            }
        };
        self.len += 1;
        Some(slot)
    }

    /// The value at a place, unless the place is free or was used anew.
    pub fn get(&self, slot: Slot) -> Option<&V> {
        match self.places.get(slot.index as usize) {
            Some(Place::Full { generation, value }) if *generation == slot.generation => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The value at a place, to be changed.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut V> {
        match self.places.get_mut(slot.index as usize) {
            Some(Place::Full { generation, value }) if *generation == slot.generation => {
                Some(value)
            }
            _ => None,
        }
    }

    /// The value at a place, whatever its generation.
    pub fn at(&self, index: u32) -> Option<&V> {
        match self.places.get(index as usize) {
            Some(Place::Full { value, .. }) => Some(value),
            _ => None,
        }
    }

    /// All values with where they stand.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &V)> {
        self.places.iter().zip(0..).filter_map(|(place, index)| match place {
            Place::Full { generation, value } => {
                Some((Slot { index, generation: *generation }, value))
            }
            Place::Free { .. } => None,
        })
    }

    /// Takes a value out.
    pub fn remove(&mut self, slot: Slot) -> Option<V> {
        self.get(slot)?;
        let place = self.places.get_mut(slot.index as usize)?;
        let free = Place::Free { generation: slot.generation, next: self.free };
        let Place::Full { value, .. } = core::mem::replace(place, free) else {
            return None;
        };
        self.free = Some(slot.index);
        self.len -= 1;
        Some(value)
    }

    /// Takes all values out.
    pub fn drain(&mut self) -> Vec<V> {
        self.free = None;
        self.len = 0;
        let places = core::mem::take(&mut self.places);
        places
            .into_iter()
            .filter_map(|place| match place {
                Place::Full { value, .. } => Some(value),
                Place::Free { .. } => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_for_more_is_an_eighth_at_most() {
        let mut slots = Slots::default();
        let mut asked = 0;
        for number in 0..100_000_usize {
            let before = slots.places.capacity();
            slots.insert(number, 4).unwrap();
            asked += usize::from(slots.places.capacity() != before);
            assert!(slots.places.capacity() <= number + number / 8 + LEAST_MORE);
        }
        // Seldom enough that moving them costs each a fixed number of moves.
        assert!(asked < 90, "{asked}");
    }

    #[test]
    fn a_stale_slot_finds_nothing_and_its_place_is_used_again() {
        let mut slots = Slots::default();
        let first = slots.insert('a', 4).unwrap();
        assert_eq!(slots.remove(first), Some('a'));
        assert_eq!(slots.remove(first), None);
        let second = slots.insert('b', 4).unwrap();
        assert_eq!(second.index, first.index);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
        assert_eq!(slots.len(), 1);
        slots.insert('c', 4).unwrap();
        slots.remove(second).unwrap();
        let there: Vec<char> = slots.iter().map(|(_, value)| *value).collect();
        assert_eq!(there, ['c']);
        assert!(slots.iter().all(|(slot, value)| slots.get(slot) == Some(value)));
    }
}

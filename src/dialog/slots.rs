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

/// For how many values room is kept when all are gone.
const KEPT: usize = 64;

const WRAPPED: u32 = u32::MAX;

enum Place<V> {
    Full { generation: u32, value: V },
    Free { generation: u32, next: Option<u32> },
}

/// Values in numbered places. Taking one out and putting one in reuses memory.
pub struct Slots<V> {
    places: Vec<Place<V>>,
    free: Option<u32>,
    len: usize,
    /// With which generation a place begins that was never used, or was given back with all others.
    first: u32,
    /// The highest of all generations since then; [`WRAPPED`] where the last one there is was used.
    highest: u32,
}

impl<V> Default for Slots<V> {
    fn default() -> Self {
        Slots::with_capacity(0)
    }
}

impl<V> Slots<V> {
    /// With room for so many values before memory is asked for again.
    pub fn with_capacity(capacity: usize) -> Self {
        let places = Vec::with_capacity(capacity);
        Slots { places, free: None, len: 0, first: 0, highest: 0 }
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
    /// values as an index can count are there already, or where there is no memory for one more.
    pub fn insert(&mut self, value: V, generations: u32) -> Option<Slot> {
        let slot = match self.free {
            Some(index) => {
                let place = self.places.get_mut(index as usize)?;
                let Place::Free { generation, next } = *place else {
                    return None;
                };
                let generation = generation.wrapping_add(1) & (generations - 1);
                *place = Place::Full { generation, value };
                self.note(generation, generations);
                self.free = next;
                Slot { index, generation }
            }
            None => {
                let index = u32::try_from(self.places.len()).ok()?;
                if self.places.len() == self.places.capacity() {
                    // Not twice as many: what a million transfers take is counted with it.
                    let more = self.places.len() / 8 + LEAST_MORE;
                    self.places.try_reserve_exact(more).ok()?;
                }
                let generation = self.first;
                self.note(generation, generations);
                self.places.push(Place::Full { generation, value });
                Slot { index, generation }
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
        if self.len == 0 && self.places.len() > KEPT {
            self.give_back();
        }
        Some(value)
    }

    fn note(&mut self, generation: u32, generations: u32) {
        let is_last = generation.saturating_add(1) >= generations;
        self.highest = if is_last { WRAPPED } else { self.highest.max(generation) };
    }

    /// All of many values are gone: their memory goes too. Slots of before stay stale; where that
    /// cannot be told any more the places stay.
    fn give_back(&mut self) {
        if self.highest == WRAPPED {
            return;
        }
        self.first = self.highest + 1;
        self.free = None;
        self.places.clear();
        self.places.shrink_to(KEPT);
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
    fn when_all_of_many_are_gone_their_memory_goes_and_their_ids_stay_stale() {
        let mut slots = Slots::default();
        for turn in 0..5 {
            let used: Vec<Slot> = (0..1_000).map(|it| slots.insert(it, 1 << 20).unwrap()).collect();
            // Some places are used more often than others.
            for slot in used.iter().take(turn) {
                slots.remove(*slot).unwrap();
                slots.insert(7, 1 << 20).unwrap();
            }
            let all: Vec<Slot> = slots.iter().map(|(slot, _)| slot).collect();
            assert!(all.iter().all(|slot| slots.remove(*slot).is_some()));
            assert_eq!((slots.len(), slots.places.len()), (0, 0));
            assert!(slots.places.capacity() <= KEPT);
            let next: Vec<Slot> = (0..1_000).map(|it| slots.insert(it, 1 << 20).unwrap()).collect();
            assert!(used.iter().chain(&all).all(|slot| slots.get(*slot).is_none()));
            for slot in next {
                slots.remove(slot).unwrap();
            }
        }
    }

    #[test]
    fn where_generations_have_come_to_their_end_no_place_begins_anew() {
        let mut slots = Slots::default();
        for turn in 0..20 {
            let used: Vec<Slot> = (0..100).map(|it| slots.insert(it, 8).unwrap()).collect();
            for slot in &used {
                slots.remove(*slot).unwrap();
            }
            // The first place is used twice a turn.
            assert_eq!(slots.places.is_empty(), turn < 4, "{turn}");
            let newest = slots.insert(7, 8).unwrap();
            assert!(used.iter().all(|slot| slots.get(*slot).is_none()));
            slots.remove(newest).unwrap();
        }
    }

    #[test]
    fn a_few_are_kept_room_for() {
        let mut slots = Slots::with_capacity(KEPT);
        let first: Vec<Slot> = (0..KEPT).map(|it| slots.insert(it, 4).unwrap()).collect();
        for slot in first {
            slots.remove(slot).unwrap();
        }
        assert!(slots.places.capacity() >= KEPT && slots.places.len() == KEPT);
    }

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

//! Dialogs by their hash, in buckets of one cache line each: a linear hash table, which grows and
//! shrinks by one bucket at a time (W. Litwin, "Linear hashing", VLDB 1980).

use super::Entry;

/// Dialogs in one bucket.
const SLOTS: usize = 5;
/// There are this many dialogs for each ten buckets when one more bucket is made ...
const FULL: usize = 36;
/// ... and this few when one is given up.
const EMPTY: usize = 24;
/// Buckets that are asked for at once.
const SEGMENT: usize = 32;
/// No bucket.
const NONE: u32 = u32::MAX;

/// Five dialogs, and where there are more of them.
#[repr(align(64))]
struct Bucket<T> {
    /// Their hashes, so that of the dialogs only the one is looked at that is meant.
    hashes: [u32; SLOTS],
    /// Number of a bucket among the others, or [`NONE`].
    more: u32,
    entries: [Option<Entry<T>>; SLOTS],
}

impl<T> Bucket<T> {
    fn new() -> Bucket<T> {
        Bucket { hashes: [0; SLOTS], more: NONE, entries: [const { None }; SLOTS] }
    }
}

/// Buckets in segments that stay where they are when there are more of them.
struct Segments<T> {
    segments: Vec<Box<[Bucket<T>]>>,
    len: usize,
}

impl<T> Segments<T> {
    fn get(&self, number: usize) -> Option<&Bucket<T>> {
        self.segments.get(number / SEGMENT)?.get(number % SEGMENT)
    }

    fn get_mut(&mut self, number: usize) -> Option<&mut Bucket<T>> {
        self.segments.get_mut(number / SEGMENT)?.get_mut(number % SEGMENT)
    }

    /// Sees to it that there is memory for one more; whether there is.
    fn reserve(&mut self) -> bool {
        if self.len < self.segments.len() * SEGMENT {
            return true;
        }
        let mut segment = Vec::new();
        if segment.try_reserve_exact(SEGMENT).is_err() || self.segments.try_reserve(1).is_err() {
            return false;
        }
        segment.extend((0..SEGMENT).map(|_| Bucket::new()));
        self.segments.push(segment.into_boxed_slice());
        true
    }

    /// Makes one more, and answers its number.
    fn push(&mut self) -> usize {
        if !self.reserve() {
            // Ends the process, as there is no memory: what moves from bucket to bucket has no other
            // place. What is put in has its memory reserved before.
            self.segments.push((0..SEGMENT).map(|_| Bucket::new()).collect());
        }
        self.len += 1;
        self.len - 1
    }

    /// Gives the last one up. One segment is kept in hand, so that coming and going at its edge costs
    /// no memory each time.
    fn pop(&mut self) {
        self.len -= 1;
        if self.len + 2 * SEGMENT <= self.segments.len() * SEGMENT {
            self.segments.pop();
            if self.segments.len() * 4 < self.segments.capacity() {
                self.segments.shrink_to(self.segments.len() * 2);
            }
        }
    }
}

/// Dialogs by their hash.
pub(super) struct Buckets<T> {
    main: Segments<T>,
    /// For what does not fit into a bucket.
    others: Segments<T>,
    /// The first of the free ones among the others.
    free: u32,
    free_len: usize,
    len: usize,
    /// How many dialogs the last change has moved; counted by the tests.
    #[cfg(test)]
    pub(super) moved: usize,
}

impl<T> Default for Buckets<T> {
    fn default() -> Self {
        let none = || Segments { segments: Vec::new(), len: 0 };
        let (main, others) = (none(), none());
        Buckets {
            main,
            others,
            free: NONE,
            free_len: 0,
            len: 0,
            #[cfg(test)]
            moved: 0,
        }
    }
}

impl<T> Buckets<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where a hash belongs among so many buckets: by so many of its low bits as name them all, by one
    /// less where that bucket is not there yet.
    fn home(hash: u32, buckets: usize) -> usize {
        let all = buckets.next_power_of_two();
        let number = hash as usize & (all - 1);
        if number < buckets {
            number
        } else {
            number & (all / 2 - 1)
        }
    }

    /// The dialogs with this hash, and now and then none of them.
    pub(super) fn find(&self, hash: u32) -> impl Iterator<Item = &Entry<T>> {
        let mut bucket = match self.main.len {
            0 => None,
            len => self.main.get(Self::home(hash, len)),
        };
        let mut slot = 0;
        core::iter::from_fn(move || loop {
            let here = bucket?;
            // They stand at the front.
            while let (Some(it), Some(Some(entry))) =
                (here.hashes.get(slot), here.entries.get(slot))
            {
                slot += 1;
                if *it == hash {
                    return Some(entry);
                }
            }
            slot = 0;
            bucket = if here.more == NONE { None } else { self.others.get(here.more as usize) };
        })
    }

    /// Reads the bucket that a hash is at home in.
    pub(super) fn touch(&self, hash: u32) -> u32 {
        let home = Self::home(hash, self.main.len.max(1));
        let [first, ..] = self.main.get(home).map_or([0; SLOTS], |bucket| bucket.hashes);
        first
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Entry<T>> {
        let segments = self.main.segments.iter().chain(&self.others.segments);
        segments.flat_map(|segment| segment.iter()).flat_map(|it| it.entries.iter().flatten())
    }

    /// Sees to it that there is memory for one more dialog with this hash; whether there is.
    pub(super) fn reserve(&mut self, hash: u32) -> bool {
        let mut bucket = match self.main.len {
            0 => return self.main.reserve(),
            len => self.main.get(Self::home(hash, len)),
        };
        while let Some(here) = bucket {
            if here.entries.iter().any(Option::is_none) {
                return true;
            }
            bucket = if here.more == NONE { None } else { self.others.get(here.more as usize) };
        }
        self.free != NONE || self.others.reserve()
    }

    /// Puts one in, for which memory was reserved, and makes a bucket more where it is time.
    pub(super) fn insert(&mut self, hash: u32, entry: Entry<T>) {
        #[cfg(test)]
        {
            self.moved = 0;
        }
        self.len += 1;
        if self.len * 10 > self.main.len * FULL {
            self.grow();
        }
        self.put(Self::home(hash, self.main.len), hash, entry);
    }

    /// Takes out the one with this hash that is in this place, and gives a bucket up where it is time.
    pub(super) fn remove(&mut self, hash: u32, place: u32) -> Option<Entry<T>> {
        #[cfg(test)]
        {
            self.moved = 0;
        }
        if self.main.len == 0 {
            return None;
        }
        let home = Self::home(hash, self.main.len);
        let found =
            self.take_all_but(home, |it_hash, entry| it_hash != hash || entry.place() != place)?;
        self.len -= 1;
        if self.main.len > 1 && self.len * 10 < self.main.len * EMPTY {
            self.shrink();
        }
        Some(found)
    }

    /// Everything.
    pub(super) fn drain(&mut self) -> Vec<Entry<T>> {
        let Buckets { main, others, .. } = core::mem::take(self);
        let segments = main.segments.into_iter().chain(others.segments);
        let buckets = segments.flat_map(|segment| segment.into_vec());
        buckets.flat_map(|bucket| bucket.entries.into_iter().flatten()).collect()
    }

    /// Takes one out for which `stays` is not; the last one of the chain fills its place.
    fn take_all_but(
        &mut self,
        home: usize,
        stays: impl Fn(u32, &Entry<T>) -> bool,
    ) -> Option<Entry<T>> {
        let mut chain = self.unchain(home);
        let at = chain.iter().position(|(hash, entry)| !stays(*hash, entry));
        let found = at.map(|at| chain.swap_remove(at).1);
        for (hash, entry) in chain {
            self.put(home, hash, entry);
        }
        found
    }

    /// One bucket more: what is now at home there moves from the one bucket that it was in.
    fn grow(&mut self) {
        // Without memory for it the chains become longer, and all stays where it is.
        if !self.main.reserve() {
            return;
        }
        let new = self.main.push();
        if new == 0 {
            return;
        }
        // The same number without its highest bit.
        let from = new & !(1 << new.ilog2());
        let chain = self.unchain(from);
        for (hash, entry) in chain {
            self.count_move();
            self.put(Self::home(hash, self.main.len), hash, entry);
        }
    }

    /// One bucket less: what is in the last one moves to where it came from.
    fn shrink(&mut self) {
        let last = self.main.len - 1;
        let chain = self.unchain(last);
        self.main.pop();
        for (hash, entry) in chain {
            self.count_move();
            self.put(Self::home(hash, self.main.len), hash, entry);
        }
    }

    fn count_move(&mut self) {
        #[cfg(test)]
        {
            self.moved += 1;
        }
    }

    /// All that is at home in a bucket; the bucket is empty then, and has no others.
    fn unchain(&mut self, home: usize) -> Vec<(u32, Entry<T>)> {
        let mut chain = Vec::with_capacity(SLOTS);
        let mut more = match self.main.get_mut(home) {
            Some(bucket) => empty(bucket, &mut chain),
            None => NONE,
        };
        while more != NONE {
            let Some(bucket) = self.others.get_mut(more as usize) else { break };
            let next = empty(bucket, &mut chain);
            bucket.more = self.free;
            self.free = more;
            self.free_len += 1;
            more = next;
        }
        let is_idle = self.free_len == self.others.len;
        if is_idle && (self.others.segments.len() > 1 || self.len <= SLOTS) {
            // None of the others is in use.
            self.others = Segments { segments: Vec::new(), len: 0 };
            self.free = NONE;
            self.free_len = 0;
        }
        chain
    }

    /// Puts one into the bucket, or into the first with room behind it.
    fn put(&mut self, home: usize, hash: u32, entry: Entry<T>) {
        let Some(full) = self.main.get_mut(home) else { return };
        let Err(entry) = fill(full, hash, entry) else { return };
        let mut more = full.more;
        let first = more;
        let mut entry = entry;
        while more != NONE {
            let Some(bucket) = self.others.get_mut(more as usize) else { break };
            match fill(bucket, hash, entry) {
                Ok(()) => return,
                Err(back) => entry = back,
            }
            more = bucket.more;
        }
        let new = match self.free {
            NONE => self.others.push() as u32,
            free => {
                self.free = self.others.get(free as usize).map_or(NONE, |it| it.more);
                self.free_len -= 1;
                free
            }
        };
        if let Some(bucket) = self.others.get_mut(new as usize) {
            bucket.more = first;
            // It is empty.
            let _ = fill(bucket, hash, entry);
        }
        if let Some(bucket) = self.main.get_mut(home) {
            bucket.more = new;
        }
    }
}

/// Puts one into a bucket, or gives it back.
fn fill<T>(bucket: &mut Bucket<T>, hash: u32, entry: Entry<T>) -> Result<(), Entry<T>> {
    let mut slots = bucket.hashes.iter_mut().zip(&mut bucket.entries);
    match slots.find(|(_, slot)| slot.is_none()) {
        Some((hash_slot, slot)) => {
            *hash_slot = hash;
            *slot = Some(entry);
            Ok(())
        }
        None => Err(entry),
    }
}

/// Takes all out of a bucket, and answers which one is behind it.
fn empty<T>(bucket: &mut Bucket<T>, into: &mut Vec<(u32, Entry<T>)>) -> u32 {
    for (hash, entry) in bucket.hashes.iter().zip(&mut bucket.entries) {
        into.extend(entry.take().map(|entry| (*hash, entry)));
    }
    core::mem::replace(&mut bucket.more, NONE)
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Initiator, Key, State, Usage};
    use super::*;

    fn entry(place: u32) -> Entry<u32> {
        let key = Key { call_id: b"c", local_tag: b"l", remote_tag: b"r" };
        let facts = Facts {
            key,
            user: b"",
            endpoint: b"",
            state: State::Early,
            initiator: Initiator::Local,
            usage: Usage::Invite,
            secure: false,
        };
        let entry = Entry::new(&facts, place).unwrap();
        entry.set_place(place);
        entry
    }

    /// Spreads numbers as a hash does.
    fn hash(number: u32) -> u32 {
        let mixed = u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) as u32
    }

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!(size_of::<Bucket<[usize; 2]>>(), 64);
    }

    #[test]
    fn growing_and_shrinking_move_a_few_at_a_time_and_give_the_memory_back() {
        const MANY: u32 = 100_000;
        // What one bucket and those behind it hold; more than that a keyed hash brings together once
        // in the age of the world.
        const MOST_MOVED: usize = 24;
        let mut buckets = Buckets::default();
        for number in 0..MANY {
            buckets.insert(hash(number), entry(number));
            assert!(buckets.moved <= MOST_MOVED, "{}", buckets.moved);
        }
        let lines = (buckets.main.segments.len() + buckets.others.segments.len()) * SEGMENT;
        // At most 24 bytes for each.
        assert!(lines * 64 <= MANY as usize * 24, "{lines}");
        for number in 0..MANY {
            let mut found = buckets.find(hash(number)).map(Entry::place);
            assert!(found.any(|place| place == number));
        }
        for number in 0..MANY {
            assert_eq!(buckets.remove(hash(number), number).map(|it| it.place()), Some(number));
            assert!(buckets.moved <= MOST_MOVED, "{}", buckets.moved);
            assert!(buckets.remove(hash(number), number).is_none());
        }
        assert_eq!((buckets.len(), buckets.main.len, buckets.others.len), (0, 1, 0));
        assert!(buckets.main.segments.len() <= 2 && buckets.main.segments.capacity() <= 16);
    }

    #[test]
    fn many_of_one_hash_are_all_found_and_taken_out() {
        let mut buckets = Buckets::default();
        for number in 0..100 {
            buckets.insert(7, entry(number));
        }
        assert_eq!(buckets.find(7).count(), 100);
        assert_eq!(buckets.each().count(), 100);
        assert_eq!(buckets.find(8).count(), 0);
        for number in (0..100).rev() {
            assert!(buckets.remove(7, number).is_some());
            assert_eq!(buckets.find(7).count(), number as usize);
        }
        assert_eq!(buckets.others.len, 0);
    }

    #[test]
    fn a_drained_one_begins_anew() {
        let mut buckets = Buckets::default();
        for number in 0..1_000 {
            buckets.insert(hash(number), entry(number));
        }
        assert_eq!(buckets.drain().len(), 1_000);
        assert_eq!((buckets.len(), buckets.find(hash(1)).count()), (0, 0));
        buckets.insert(hash(1), entry(1));
        assert_eq!(buckets.find(hash(1)).count(), 1);
    }
}

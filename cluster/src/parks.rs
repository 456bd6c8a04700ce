//! Which dialogs of this node are parked, and under what token.
#![forbid(unsafe_code)]

use crate::wire::{Parked, Published, Triple, NOT_PARKED};
use std::collections::HashMap;

/// The key of a dialog or of a token.
type Key = Vec<u8>;

/// The calls that are parked here; no dialog twice, no token twice.
#[derive(Default)]
pub struct Parks {
    by_token: HashMap<Key, (Key, Parked)>,
    by_dialog: HashMap<Key, Key>,
}

impl Parks {
    /// A dialog was parked under a token: the token that it had before, the dialog that was there before,
    /// which is parked no more, and what is to be published.
    pub fn put(
        &mut self,
        dialog: &[u8],
        token: &[u8],
        published: Published,
        triple: Triple,
    ) -> (Option<Key>, Option<(Key, Published)>, Parked) {
        let left = self.by_dialog.get(dialog).filter(|it| *it != token).cloned();
        if let Some(left) = &left {
            self.by_token.remove(left);
        }
        let parked = Parked { dialog: published, triple };
        let before = self.by_token.insert(token.to_vec(), (dialog.to_vec(), parked.clone()));
        let displaced = before.filter(|(key, _)| key != dialog).map(|(key, parked)| {
            self.by_dialog.remove(&key);
            (key, Published { parked: NOT_PARKED, ..parked.dialog })
        });
        self.by_dialog.insert(dialog.to_vec(), token.to_vec());
        (left, displaced, parked)
    }

    /// A dialog that may be parked has come further: its token, and what is to be published under that.
    pub fn came_further(&mut self, dialog: &[u8], published: &Published) -> Option<(Key, Parked)> {
        let token = self.by_dialog.get(dialog)?;
        let (_, parked) = self.by_token.get_mut(token)?;
        parked.dialog = Published { parked: parked.dialog.parked, ..published.clone() };
        Some((token.clone(), parked.clone()))
    }

    /// The call under a token was taken out.
    pub fn remove(&mut self, token: &[u8]) -> Option<(Key, Parked)> {
        let (dialog, parked) = self.by_token.remove(token)?;
        self.by_dialog.remove(&dialog);
        Some((dialog, parked))
    }

    /// A dialog has ended: the token that it was parked under.
    pub fn remove_dialog(&mut self, dialog: &[u8]) -> Option<(Key, Parked)> {
        let token = self.by_dialog.remove(dialog)?;
        let (_, parked) = self.by_token.remove(&token)?;
        Some((token, parked))
    }

    /// Whether a dialog is parked.
    pub fn holds(&self, dialog: &[u8]) -> bool {
        self.by_dialog.contains_key(dialog)
    }

    /// How many are parked.
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::{PARKED_NUMBER, PARKED_SECRET};

    fn published(state: u8, parked: u8) -> Published {
        let (user, endpoint) = (b"alice".to_vec(), Vec::new());
        Published { incarnation: 1, state, initiator: 2, secure: false, parked, user, endpoint }
    }

    fn triple() -> Triple {
        [b"c@h".to_vec(), b"l".to_vec(), b"r".to_vec()]
    }

    #[test]
    fn no_dialog_is_parked_twice_and_no_token_holds_two() {
        let mut parks = Parks::default();
        let (left, displaced, parked) =
            parks.put(b"d1", b"701", published(2, PARKED_NUMBER), triple());
        assert_eq!((left, displaced, parked.triple), (None, None, triple()));
        let (left, ..) = parks.put(b"d1", b"secret", published(2, PARKED_SECRET), triple());
        assert_eq!((left.as_deref(), parks.len()), (Some(&b"701"[..]), 1));
        let (_, displaced, _) = parks.put(b"d2", b"secret", published(1, PARKED_SECRET), triple());
        assert_eq!(displaced, Some((b"d1".to_vec(), published(2, NOT_PARKED))));
        assert!(!parks.holds(b"d1") && parks.holds(b"d2") && parks.remove_dialog(b"d1").is_none());
        let (token, parked) = parks.came_further(b"d2", &published(2, NOT_PARKED)).unwrap();
        assert_eq!(
            (token.as_slice(), parked.dialog),
            (&b"secret"[..], published(2, PARKED_SECRET))
        );
        assert_eq!(parks.came_further(b"d1", &published(2, NOT_PARKED)), None);
        assert_eq!(parks.remove(b"secret").unwrap().0, b"d2");
        assert!(parks.is_empty() && !parks.holds(b"d2") && parks.remove(b"secret").is_none());
    }
}

//! Who is at an address: what it calls itself, as far as its messages show that.

use super::Party;
use crate::capture::Place;
use std::collections::HashMap;
use std::net::IpAddr;

#[derive(Debug)]
struct Known {
    place: Place,
    user: String,
    /// It speaks for more than one user: a PBX, a gateway.
    several: bool,
    product: String,
    /// What it calls its host where it names no user.
    host: String,
}

/// How many addresses are told apart; those over it are one.
const MOST: usize = 16_384;

/// The addresses of a capture by numbers.
#[derive(Default)]
pub struct Places {
    numbers: HashMap<Place, usize>,
    known: Vec<Known>,
}

impl Places {
    pub fn number(&mut self, place: &Place) -> usize {
        if let Some(number) = self.numbers.get(place) {
            return *number;
        }
        if self.known.len() >= MOST {
            return 0;
        }
        let number = self.known.len();
        self.numbers.insert(place.clone(), number);
        self.known.push(Known {
            place: place.clone(),
            user: String::new(),
            several: false,
            product: String::new(),
            host: String::new(),
        });
        number
    }

    pub fn ip(&self, number: usize) -> Option<IpAddr> {
        match self.known.get(number)?.place {
            Place::Net(address) if !address.ip().is_unspecified() => Some(address.ip()),
            _ => None,
        }
    }

    /// A call begins or ends here for this user.
    pub fn is_user(&mut self, number: usize, user: &[u8]) {
        let Some(known) = self.known.get_mut(number) else { return };
        if user.is_empty() || known.several {
            return;
        }
        let user = super::seen::piece(user);
        if known.user.is_empty() {
            known.user = user;
        } else {
            known.several = known.user != user;
        }
    }

    /// Calls go through here: it is nobody's phone.
    pub fn is_relay(&mut self, number: usize) {
        if let Some(known) = self.known.get_mut(number) {
            known.several = true;
        }
    }

    pub fn is_host(&mut self, number: usize, host: &[u8]) {
        let Some(known) = self.known.get_mut(number) else { return };
        if known.host.is_empty() && !host.is_empty() {
            known.host = super::seen::piece(host);
        }
    }

    pub fn is_product(&mut self, number: usize, product: &[u8]) {
        let Some(known) = self.known.get_mut(number) else { return };
        if known.product.is_empty() && !product.is_empty() {
            known.product = super::seen::piece(product);
        }
    }

    pub fn party(&self, number: usize) -> Party {
        let Some(known) = self.known.get(number) else {
            return Party { place: Place::Own("?"), name: String::new() };
        };
        let name = match (known.user.is_empty() || known.several, &known.place) {
            (false, Place::Net(_)) => &known.user,
            (true, Place::Net(_)) if known.product.is_empty() => &known.host,
            (true, Place::Net(_)) => &known.product,
            (_, Place::Own(_)) => "",
        };
        Party { place: known.place.clone(), name: name.to_owned() }
    }
}

//! The functions of the C ABI, with structs and strings of any size: what is handed in is exactly as long
//! as it says, on the heap, so that AddressSanitizer sees each byte that is read or written beyond.
//!
//! Not tried: pointers that lead nowhere, since no library can tell them from others.
#![no_main]

mod calls;
mod host;
mod lot;
mod nodes;
mod room;
mod sending;

use arbitrary::Unstructured;
use calls::World;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    let mut world = World::new(&mut u);
    for _ in 0..60 {
        if u.is_empty() {
            break;
        }
        world.call(&mut u);
    }
    world.end();
});

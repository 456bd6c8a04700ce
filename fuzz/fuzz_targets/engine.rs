//! Random sequences of inputs. The first byte chooses the machine: one of the three sides of a transfer,
//! or the engine with all of them, transfers or takeovers and parked calls. `tests/sequences` has the invariants.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::{engine, lot, recipient, takeover, transferor, Case};

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = data.split_first() else { return };
    let case = Case::of_bytes(rest);
    match which % 8 {
        0 => drop(engine::run(&case)),
        4 => drop(lot::run(&case)),
        1 | 5 => drop(recipient::run(&case)),
        2 | 6 => drop(transferor::run(&case)),
        _ => drop(takeover::run(&case)),
    }
});

//! Random sequences of inputs. The first byte chooses the machine: one of the three sides of a transfer,
//! or the engine with all of them. `tests/sequences` has the invariants.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/sequences/mod.rs"]
mod sequences;
use sequences::{engine, recipient, takeover, transferor, Case};

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = data.split_first() else { return };
    let case = Case::of_bytes(rest);
    match which % 4 {
        0 => drop(engine::run(&case)),
        1 => drop(recipient::run(&case)),
        2 => drop(transferor::run(&case)),
        _ => drop(takeover::run(&case)),
    }
});

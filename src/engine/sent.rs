//! The transfers that this side began: by id, and by the time at which something is due.

use super::live::{Live, Machine, Table};
use crate::sip::{ParseError, Writer};
use crate::transfer::transferor::{
    Command, Notify, Options, Outcome, Output, Outputs, Transfer, Transferor, Why,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One thing to do or to know, with texts of its own: it waits until the host takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentOutput {
    /// Send a REFER.
    Send {
        /// In the dialog of the call with the transferee.
        in_dialog: bool,
        /// 1, or 2 for the second try.
        attempt: u8,
        /// Its header lines but for Contact.
        headers: Box<[u8]>,
    },
    /// Do something to a call.
    Command(Command),
    /// The referred call has come this far.
    Progress {
        /// 100 to 199.
        code: u16,
        /// What the peer calls it.
        reason: Box<[u8]>,
    },
    /// The transfer is over.
    Finished(SentOutcome),
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentOutcome {
    /// The transferee has reached the target.
    Success {
        /// 200 to 299.
        code: u16,
    },
    /// It has not.
    Failure {
        /// 300 to 699.
        code: u16,
        /// What the peer calls it; may be empty.
        reason: Box<[u8]>,
    },
    /// Nobody will ever tell.
    Unknown {
        /// The last code that was heard, or 0.
        code: u16,
        /// Why it stays unknown.
        why: Why,
    },
}

impl Machine for Transferor {
    type Output = SentOutput;

    fn deadline(&self) -> Option<u64> {
        self.deadline().filter(|_| !self.is_done())
    }

    /// It has its outcome, and no NOTIFY is expected that would be answered with 200.
    fn is_done(&self) -> bool {
        self.is_finished() && !self.is_subscribed()
    }

    fn tick(&mut self, now_ms: u64, out: &mut dyn FnMut(SentOutput)) {
        let outputs = self.tick(now_ms);
        keep(self, outputs, out);
    }
}

/// Why nothing has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// A value cannot stand in a REFER.
    Unfit(ParseError),
    /// There is no room.
    Full,
}

/// The sent transfers of an engine.
pub struct SentRefers {
    table: Table<Transferor, ()>,
    begun: AtomicUsize,
}

impl SentRefers {
    /// None yet.
    pub fn new(salt: u16) -> SentRefers {
        SentRefers { table: Table::new(salt), begun: AtomicUsize::new(0) }
    }

    /// Begins a transfer: its id. What is to be done first is among its outputs.
    pub fn begin(
        &self,
        transfer: &Transfer<'_>,
        options: &Options<'_>,
        now_ms: u64,
    ) -> Result<u64, NotBegun> {
        let (machine, first) =
            Transferor::start(now_ms, transfer, options).map_err(NotBegun::Unfit)?;
        let mut outputs = VecDeque::new();
        keep(&machine, first, &mut |output| outputs.push_back(output));
        let spread = self.begun.fetch_add(1, Ordering::Relaxed);
        self.table.insert(spread, Live::new(machine, (), outputs)).ok_or(NotBegun::Full)
    }

    /// Hands an input to a transfer and keeps its outputs. `None` for a stale or foreign id.
    pub fn input<'o>(
        &self,
        id: u64,
        input: impl FnOnce(&mut Transferor) -> Outputs<'o>,
    ) -> Option<()> {
        let input = |machine: &mut Transferor, out: &mut dyn FnMut(SentOutput)| {
            let outputs = input(machine);
            keep(machine, outputs, out);
        };
        self.table.input(id, input, |_, ()| ())
    }

    /// A REFER goes out under this CSeq. `None` for a stale or foreign id.
    pub fn sent(
        &self,
        id: u64,
        attempt: u8,
        cseq: u32,
        first_in_dialog: bool,
        now_ms: u64,
    ) -> Option<()> {
        let input = |machine: &mut Transferor, _: &mut dyn FnMut(SentOutput)| {
            machine.sent(now_ms, attempt, cseq, first_in_dialog);
        };
        self.table.input(id, input, |_, ()| ())
    }

    /// A NOTIFY has come: the code to answer it with. `None` for a stale or foreign id.
    pub fn notify(&self, id: u64, notify: &Notify<'_>, now_ms: u64) -> Option<u16> {
        let input = |machine: &mut Transferor, out: &mut dyn FnMut(SentOutput)| {
            let (code, outputs) = machine.notify(now_ms, notify);
            keep(machine, outputs, out);
            code
        };
        self.table.input(id, input, |_, ()| ())
    }

    /// Shows the first output of a transfer to `take` and, where that answers `Ok`, takes it off.
    /// `None` where there is none. Id 0 stands for any transfer that time has given outputs.
    pub fn next<R, E>(
        &self,
        id: u64,
        mut take: impl FnMut(u64, &SentOutput) -> Result<R, E>,
    ) -> Option<Result<R, E>> {
        self.table.next(id, |id, output, _, _| take(id, output), |_, ()| ())
    }

    /// Lets time pass for the transfers that it concerns. Their outputs are had by id 0.
    pub fn tick(&self, now_ms: u64) {
        self.table.tick(now_ms, |_, ()| ());
    }

    /// When something is due next.
    pub fn deadline(&self) -> Option<u64> {
        self.table.deadline()
    }

    /// How many transfers there are, those with something left to say included.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Gives outputs texts of their own. The header lines of a REFER are printed now: a second one would
/// have others.
fn keep(machine: &Transferor, outputs: Outputs<'_>, out: &mut dyn FnMut(SentOutput)) {
    for output in outputs {
        out(match output {
            Output::SendRefer { in_dialog, attempt } => {
                SentOutput::Send { in_dialog, attempt, headers: headers(machine) }
            }
            Output::Command(command) => SentOutput::Command(command),
            Output::Progress { code, reason } => {
                SentOutput::Progress { code, reason: reason.into() }
            }
            Output::Finished(Outcome::Success { code }) => {
                SentOutput::Finished(SentOutcome::Success { code })
            }
            Output::Finished(Outcome::Failure { code, reason }) => {
                SentOutput::Finished(SentOutcome::Failure { code, reason: reason.into() })
            }
            Output::Finished(Outcome::Unknown { code, why }) => {
                SentOutput::Finished(SentOutcome::Unknown { code, why })
            }
        });
    }
}

fn headers(machine: &Transferor) -> Box<[u8]> {
    let mut count = Writer::new(&mut []);
    machine.print_headers(&mut count);
    let mut lines = vec![0; count.needed()];
    machine.print_headers(&mut Writer::new(&mut lines));
    lines.into()
}

//! Dialogs that are looked up on other nodes, and the transfers that wait for it.

use super::{terms, Engine, Received};
use crate::dialog::{Directory, Lookups, Outcome, Over};
use crate::sip::Scratch;
use crate::transfer::{route, Context, Host, Kind, NoVerdict, Request, Verdict};

/// Why a transfer was not routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRouted {
    /// There is no such transfer.
    NoTransfer,
    /// It waits for no lookup, or for one that is under way.
    WrongState,
    /// The request is not the REFER that began it.
    OtherRequest,
}

impl Engine {
    /// The lookups that are under way.
    pub fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// A lookup has come to an end; the transfers that wait for it are told, whose outputs are had by id
    /// 0. Whether there was such a lookup, and it was not over.
    pub fn resume(&self, lookup: u64, outcome: Outcome, now_ms: u64) -> bool {
        let now_ms = self.now(now_ms);
        let over = self.lookups.resolve(lookup, outcome, now_ms);
        over.map(|over| self.looked_up(&over, now_ms)).is_some()
    }

    pub(super) fn give_up_lookups(&self, now_ms: u64) -> Vec<u64> {
        let over = self.lookups.tick(now_ms);
        over.iter().for_each(|over| self.looked_up(over, now_ms));
        over.iter().map(|over| over.lookup).collect()
    }

    /// A transfer has begun that goes on when its lookup is over; 0: there is none.
    pub(super) fn wait_for_lookup(&self, lookup: u64, transfer: u64, now_ms: u64) {
        if lookup == 0 {
            return;
        }
        if let Err(outcome) = self.lookups.wait(lookup, transfer) {
            self.transfers.looked_up(transfer, &outcome, now_ms);
        }
    }

    fn looked_up(&self, over: &Over, now_ms: u64) {
        for transfer in &over.waiting {
            self.transfers.looked_up(*transfer, &over.outcome, now_ms);
        }
    }

    /// Decides where a transfer goes whose lookup is over, by the REFER that began it.
    pub fn route_transfer<'a, D: Directory, H: Host<D::Dialog>>(
        &self,
        directory: &D,
        host: &H,
        (request, transfer): (Received<'a>, u64),
        want_lock: bool,
        scratch: &mut Scratch<'a>,
    ) -> Result<Result<Verdict<'a, D::Dialog>, NotRouted>, NoVerdict> {
        let outcome = match self.transfers.sought(transfer) {
            Ok(outcome) => outcome,
            Err(not) => return Ok(Err(not)),
        };
        let mut not = None;
        let sought = Some(&outcome);
        let now_ms = self.now(request.now_ms);
        let mut verdict = Verdict::default();
        let rule = |context: &Context<'_, D, H>,
                    request: &Request<'a>,
                    scratch: &mut Scratch<'a>,
                    verdict: &mut Verdict<'a, D::Dialog>| {
            if !self.transfers.is_of(transfer, &terms::refer_key(request)) {
                not = Some(NotRouted::OtherRequest);
                return Ok(());
            }
            route::route(context, request, want_lock, scratch, verdict)?;
            let settings = context.snapshot.of(request.sender.endpoint);
            let decided = match verdict.kind {
                // The host's own directory has not found out yet; it will ask again.
                Kind::Pending => return Ok(()),
                Kind::Challenge => Err(403),
                kind if (200..300).contains(&verdict.code) => Ok((kind, verdict.approval_pending)),
                _ => Err(verdict.code),
            };
            let wanted = terms::wanted(verdict, request, settings);
            if !self.transfers.routed(transfer, decided, wanted, now_ms) {
                not = Some(NotRouted::WrongState);
            }
            Ok(())
        };
        self.decide(directory, host, request, true, sought, scratch, &mut verdict, rule)?;
        Ok(match not {
            Some(not) => Err(not),
            None => Ok(verdict),
        })
    }
}

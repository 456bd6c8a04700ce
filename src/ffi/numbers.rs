//! Enumerations as the numbers of the header.

use super::types::*;
use crate::config::Ground;
use crate::dialog::{Initiator, State};
use crate::transfer::Kind;

pub(super) fn kind_number(kind: Kind) -> u32 {
    match kind {
        Kind::None => SIPXFER_VERDICT_NONE,
        Kind::Accept => SIPXFER_VERDICT_ACCEPT,
        Kind::Reject => SIPXFER_VERDICT_REJECT,
        Kind::Challenge => SIPXFER_VERDICT_CHALLENGE,
        Kind::Blind => SIPXFER_VERDICT_BLIND,
        Kind::LocalAttended => SIPXFER_VERDICT_LOCAL_ATTENDED,
        Kind::RemoteAttended => SIPXFER_VERDICT_REMOTE_ATTENDED,
        Kind::OtherMethod => SIPXFER_VERDICT_OTHER_METHOD,
        Kind::Pass => SIPXFER_VERDICT_PASS,
        Kind::Pending => SIPXFER_VERDICT_PENDING,
        Kind::Join => SIPXFER_VERDICT_JOIN,
        Kind::Again => SIPXFER_VERDICT_AGAIN,
        Kind::RemoteNode => SIPXFER_VERDICT_REMOTE_NODE,
    }
}

pub(super) fn ground_number(ground: Ground) -> u32 {
    match ground {
        Ground::Any => SIPXFER_GROUND_ANY,
        Ground::SameUser => SIPXFER_GROUND_SAME_USER,
        Ground::SameEndpoint => SIPXFER_GROUND_SAME_ENDPOINT,
        Ground::ReferredBy => SIPXFER_GROUND_REFERRED_BY,
        Ground::Token => SIPXFER_GROUND_TOKEN,
        Ground::TrustedPeer => SIPXFER_GROUND_TRUSTED_PEER,
        Ground::Host => SIPXFER_GROUND_HOST,
    }
}

pub(super) fn state_from(number: u32) -> Option<State> {
    match number {
        SIPXFER_DIALOG_EARLY => Some(State::Early),
        SIPXFER_DIALOG_CONFIRMED => Some(State::Confirmed),
        SIPXFER_DIALOG_TERMINATED => Some(State::Terminated),
        _ => None,
    }
}

pub(super) fn state_number(state: State) -> u32 {
    match state {
        State::Early => SIPXFER_DIALOG_EARLY,
        State::Confirmed => SIPXFER_DIALOG_CONFIRMED,
        State::Terminated => SIPXFER_DIALOG_TERMINATED,
    }
}

pub(super) fn initiator_from(number: u32) -> Option<Initiator> {
    match number {
        SIPXFER_INITIATOR_LOCAL => Some(Initiator::Local),
        SIPXFER_INITIATOR_REMOTE => Some(Initiator::Remote),
        _ => None,
    }
}

pub(super) fn initiator_number(initiator: Initiator) -> u32 {
    match initiator {
        Initiator::Local => SIPXFER_INITIATOR_LOCAL,
        Initiator::Remote => SIPXFER_INITIATOR_REMOTE,
    }
}

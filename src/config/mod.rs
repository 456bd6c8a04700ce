//! One registry of settings: name, values, default, help. The C setters, the configuration file of
//! the command line and the documentation all come from it.
//!
//! A [`Config`] is a set in the making; a [`Snapshot`] is what verdicts go by, and never changes.
#![forbid(unsafe_code)]

mod header_names;
pub mod profile;
mod registry;
mod values;

pub use profile::{Profile, Profiles};

pub use header_names::{HeaderNames, PROVES, ROUTES};
pub use registry::{settings, Setting};
pub use values::{Domain, Domains, Ground, Grounds, Names};

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::RangeInclusive;

/// What to do with a Replaces that matches no dialog (`replaces.unmatched`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// Refuse with 481, as RFC 3891 section 3 has it.
    Reject,
    /// Go on as with an INVITE that carries no Replaces, as Asterisk's documentation has it.
    Continue,
}

/// What to do with an INVITE with Replaces inside a dialog (`replaces.in_dialog`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InDialog {
    /// Refuse with 488; the call goes on untouched.
    Reject,
    /// Take it for the re-INVITE that it is without its Replaces.
    Ignore,
}

/// What becomes of a REFER whose sender is not authenticated (`refer.require_auth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequireAuth {
    /// It is challenged.
    Challenge,
    /// It is refused with 403.
    Reject,
    /// It is looked at all the same.
    No,
}

/// Who decides how an accepted transfer goes on (`transfer_handling`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The host.
    Default,
    /// An application.
    ApplicationOnly,
}

/// What is done with a REFER at all (`refer.mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It ends here: this side does what it asks for.
    Terminate,
    /// It is passed on to the other leg of the call.
    Pass,
    /// It is refused.
    Reject,
}

/// Which Target-Dialog stands for the dialog that it names (`refer.target_dialog`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetDialogs {
    /// One that names a dialog made over sips (RFC 4538 section 3).
    Secure,
    /// Any that matches.
    Any,
    /// None.
    No,
}

/// What becomes of the transferee of a transfer that fails (`refer.on_failure`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It is kept for the transferor.
    Keep,
    /// The transferor is called back where it has hung up.
    Recall,
    /// It is hung up where the transferor has hung up.
    HangUp,
}

/// The settings as they hold for one endpoint, or for all.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `replaces.allow`
    pub replaces_allow: bool,
    /// `replaces.authorize`
    pub replaces_authorize: Grounds,
    /// `replaces.unmatched`
    pub replaces_unmatched: Unmatched,
    /// `replaces.require_extension`
    pub replaces_require_extension: bool,
    /// `replaces.accept_early_incoming`
    pub replaces_accept_early_incoming: bool,
    /// `replaces.in_dialog`
    pub replaces_in_dialog: InDialog,
    /// `replaces.require_auth`
    pub replaces_require_auth: bool,
    /// `replaces.require_tls`
    pub replaces_require_tls: bool,
    /// `replaces_trusted`
    pub replaces_trusted: bool,
    /// `join.allow`
    pub join_allow: bool,
    /// `join.authorize`
    pub join_authorize: Grounds,
    /// `takeover.wait_for_ack`
    pub takeover_wait_for_ack: bool,
    /// `takeover.t1_ms`
    pub takeover_t1_ms: u32,
    /// `refer.allow`
    pub refer_allow: bool,
    /// `refer.require_auth`
    pub refer_require_auth: RequireAuth,
    /// `refer.accept_code`
    pub refer_accept_code: u16,
    /// `refer.max_depth`
    pub refer_max_depth: u32,
    /// `refer.header_allow`
    pub refer_header_allow: Names,
    /// `refer.methods`
    pub refer_methods: Names,
    /// `refer.outside_dialog`
    pub refer_outside_dialog: bool,
    /// `refer.target_dialog`
    pub refer_target_dialog: TargetDialogs,
    /// `refer.mode`
    pub refer_mode: Mode,
    /// `refer.nosub`
    pub refer_nosub: bool,
    /// `refer.events_at`
    pub refer_events_at: Box<str>,
    /// `referred_by.require_token`
    pub referred_by_require_token: bool,
    /// `refer.concurrent`
    pub refer_concurrent: bool,
    /// `refer.on_failure`
    pub refer_on_failure: OnFailure,
    /// `refer.timeout_ms`
    pub refer_timeout_ms: u32,
    /// `refer.hang_up_after_ms`
    pub refer_hang_up_after_ms: u32,
    /// `refer.expires_s`
    pub refer_expires_s: u32,
    /// `refer.event_id_on_first`
    pub refer_event_id_on_first: bool,
    /// `notify.min_interval_ms`
    pub notify_min_interval_ms: u32,
    /// `notify.detail`: whether it is `code`
    pub notify_code_only: bool,
    /// `transfer_handling`
    pub transfer_handling: Handling,
    /// `application.timeout_ms`
    pub application_timeout_ms: u32,
    /// `application.final_timeout_ms`
    pub application_final_timeout_ms: u32,
    /// `application.timeout_code`
    pub application_timeout_code: u16,
    /// `refer.tel`
    pub refer_tel: bool,
    /// `remote.extension`
    pub remote_extension: Box<str>,
    /// `remote.allow_domains`
    pub remote_allow_domains: Domains,
    /// `remote.deny_domains`
    pub remote_deny_domains: Domains,
    /// `remote.require_tls`
    pub remote_require_tls: bool,
    /// `rate.per_endpoint`
    pub rate_per_endpoint: u32,
    /// `supported`
    pub supported: Names,
    /// `log.per_second`; 0 for no limit
    pub log_per_second: u32,
    /// `log.transfers`
    pub log_transfers: bool,
    /// `log.format`: whether it is JSON
    pub log_json: bool,
    /// `park.places`; empty for none
    pub park_places: RangeInclusive<u32>,
    /// `park.timeout_s`
    pub park_timeout_s: u32,
    /// `park.claim_s`
    pub park_claim_s: u32,
    /// `park.max_secrets`
    pub park_max_secrets: u32,
    /// `park.open`
    pub park_open: bool,
    /// `cluster.deadline_ms`
    pub cluster_deadline_ms: u32,
    /// `cluster.max_lookups`
    pub cluster_max_lookups: u32,
    /// `warning.agent`
    pub warning_agent: Box<str>,
    /// `context`
    pub context: Box<str>,
    /// `transfer_context`
    pub transfer_context: Box<str>,
    /// `allow_transfer`
    pub allow_transfer: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let mut settings = Settings {
            replaces_allow: false,
            replaces_authorize: Grounds::default(),
            replaces_unmatched: Unmatched::Reject,
            replaces_require_extension: false,
            replaces_accept_early_incoming: false,
            replaces_in_dialog: InDialog::Reject,
            replaces_require_auth: false,
            replaces_require_tls: false,
            replaces_trusted: false,
            join_allow: false,
            join_authorize: Grounds::default(),
            takeover_wait_for_ack: false,
            takeover_t1_ms: 0,
            refer_allow: false,
            refer_require_auth: RequireAuth::Challenge,
            refer_accept_code: 0,
            refer_max_depth: 0,
            refer_header_allow: Names::default(),
            refer_methods: Names::default(),
            refer_outside_dialog: false,
            refer_target_dialog: TargetDialogs::No,
            refer_mode: Mode::Reject,
            refer_nosub: false,
            refer_events_at: Box::default(),
            referred_by_require_token: false,
            refer_concurrent: false,
            refer_on_failure: OnFailure::Keep,
            refer_timeout_ms: 0,
            refer_hang_up_after_ms: 0,
            refer_expires_s: 0,
            refer_event_id_on_first: false,
            notify_min_interval_ms: 0,
            notify_code_only: false,
            transfer_handling: Handling::Default,
            application_timeout_ms: 0,
            application_final_timeout_ms: 0,
            application_timeout_code: 0,
            refer_tel: false,
            remote_extension: Box::default(),
            remote_allow_domains: Domains::default(),
            remote_deny_domains: Domains::default(),
            remote_require_tls: false,
            rate_per_endpoint: 0,
            supported: Names::default(),
            log_per_second: 0,
            log_transfers: false,
            log_json: false,
            park_places: values::NO_PLACES,
            park_timeout_s: 0,
            park_claim_s: 0,
            park_max_secrets: 0,
            park_open: false,
            cluster_deadline_ms: 0,
            cluster_max_lookups: 0,
            warning_agent: Box::default(),
            context: Box::default(),
            transfer_context: Box::default(),
            allow_transfer: false,
        };
        // The registry alone says what the defaults are; a test sees that it sets every field.
        for setting in settings_with_default() {
            let set = setting.set(&mut settings, setting.default);
            debug_assert!(set.is_ok(), "the default of {}", setting.name);
        }
        settings
    }
}

fn settings_with_default() -> impl Iterator<Item = &'static Setting> {
    registry::settings().iter()
}

/// Why a setting was refused: a sentence that names the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no such setting, or not in this scope.
    Unknown(String),
    /// The value does not fit.
    BadValue(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Unknown(sentence) | ConfigError::BadValue(sentence) => {
                f.write_str(sentence)
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// The values set in one scope, by name.
type Values = BTreeMap<&'static str, (&'static Setting, String)>;

/// A set of settings in the making.
#[derive(Clone, Debug, Default)]
pub struct Config {
    global: Values,
    endpoints: BTreeMap<String, Values>,
    /// The names under `profile.` are the user's own.
    profiles: Profiles,
}

impl Config {
    /// Everything at its default.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets one value. The scope is empty for all, or `endpoint:NAME`. On an error nothing is
    /// changed.
    pub fn set(&mut self, scope: &str, name: &str, value: &str) -> Result<(), ConfigError> {
        if let (Some(profile), "") = (name.strip_prefix("profile."), scope) {
            return self.profiles.set(profile, value).map_err(|why| {
                let name = name.escape_debug();
                ConfigError::BadValue(format!("{name}: {value:?} {why}; expected a device profile"))
            });
        }
        let setting = lookup(scope, name)?;
        let mut trial = Settings::default();
        setting.set(&mut trial, value).map_err(|why| {
            let place = if scope.is_empty() { "" } else { " in " };
            let (values, scope) = (setting.values, scope.escape_debug());
            ConfigError::BadValue(format!(
                "{name}{place}{scope}: {value:?} {why}; expected {values}"
            ))
        })?;
        let values = match endpoint_of(scope) {
            Some(endpoint) => self.endpoints.entry(endpoint.to_owned()).or_default(),
            None => &mut self.global,
        };
        values.insert(setting.name, (setting, value.to_owned()));
        Ok(())
    }

    /// The value that holds in a scope: what was set there, else for all, else the default.
    pub fn get(&self, scope: &str, name: &str) -> Result<&str, ConfigError> {
        let setting = lookup(scope, name)?;
        let own = endpoint_of(scope)
            .and_then(|endpoint| self.endpoints.get(endpoint))
            .and_then(|values| values.get(setting.name));
        let set = own.or_else(|| self.global.get(setting.name));
        Ok(set.map_or(setting.default, |(_, value)| value))
    }

    /// What verdicts are to go by.
    pub fn snapshot(&self) -> Snapshot {
        let resolve = |base: &Settings, values: &Values| {
            let mut settings = base.clone();
            for (setting, value) in values.values() {
                // It fitted when it was set.
                let set = setting.set(&mut settings, value);
                debug_assert!(set.is_ok(), "{}", setting.name);
            }
            settings
        };
        let global = resolve(&Settings::default(), &self.global);
        let endpoints = self
            .endpoints
            .iter()
            .map(|(name, values)| (name.as_bytes().into(), resolve(&global, values)))
            .collect();
        Snapshot { global, endpoints, profiles: self.profiles.clone() }
    }
}

fn endpoint_of(scope: &str) -> Option<&str> {
    scope.strip_prefix("endpoint:").filter(|name| !name.is_empty())
}

fn lookup(scope: &str, name: &str) -> Result<&'static Setting, ConfigError> {
    let per_endpoint = endpoint_of(scope).is_some();
    if !scope.is_empty() && !per_endpoint {
        return Err(ConfigError::Unknown(format!(
            "scope {scope:?}: expected \"\" or \"endpoint:NAME\""
        )));
    }
    let Some(setting) = registry::settings().iter().find(|setting| setting.name == name) else {
        return Err(ConfigError::Unknown(format!("there is no setting {name:?}")));
    };
    if per_endpoint && !setting.per_endpoint {
        let scope = scope.escape_debug();
        let sentence = format!("{name} can only be set for all, not for {scope}");
        return Err(ConfigError::Unknown(sentence));
    }
    Ok(setting)
}

/// Settings that verdicts go by. It never changes; new settings are a new snapshot.
#[derive(Debug)]
pub struct Snapshot {
    global: Settings,
    endpoints: HashMap<Box<[u8]>, Settings>,
    profiles: Profiles,
}

impl Default for Snapshot {
    fn default() -> Self {
        Config::new().snapshot()
    }
}

impl Snapshot {
    /// The settings for an endpoint; those for all where it has none of its own.
    pub fn of(&self, endpoint: &[u8]) -> &Settings {
        if self.endpoints.is_empty() {
            return &self.global;
        }
        self.endpoints.get(endpoint).unwrap_or(&self.global)
    }

    /// The profile of a device, by its User-Agent.
    pub fn profile(&self, user_agent: &[u8]) -> &Profile {
        self.profiles.of(user_agent)
    }

    /// The settings for all.
    pub fn global(&self) -> &Settings {
        &self.global
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_overrides_what_holds_for_all() {
        let mut config = Config::new();
        config.set("", "refer.accept_code", "200").unwrap();
        config.set("endpoint:trunk", "replaces_trusted", "yes").unwrap();
        config.set("endpoint:trunk", "refer.accept_code", "202").unwrap();
        let snapshot = config.snapshot();
        assert_eq!(snapshot.of(b"trunk").refer_accept_code, 202);
        assert!(snapshot.of(b"trunk").replaces_trusted);
        assert_eq!(snapshot.of(b"bob").refer_accept_code, 200);
        assert!(!snapshot.of(b"bob").replaces_trusted);
        assert_eq!(config.get("endpoint:bob", "refer.accept_code"), Ok("200"));
        assert_eq!(config.get("", "remote.extension"), Ok("external_replaces"));
    }

    #[test]
    fn a_wrong_setting_is_refused_and_the_sentence_names_the_place() {
        let mut config = Config::new();
        let unknown = config.set("", "refer.alow", "yes").unwrap_err();
        assert_eq!(unknown, ConfigError::Unknown("there is no setting \"refer.alow\"".into()));
        let scope = config.set("bob", "refer.allow", "yes").unwrap_err().to_string();
        assert!(scope.contains("endpoint:NAME"), "{scope}");
        let value = config.set("endpoint:bob", "refer.allow", "maybe").unwrap_err().to_string();
        assert!(value.contains("refer.allow in endpoint:bob: \"maybe\""), "{value}");
        assert!(config.set("endpoint:bob", "warning.agent", "x").is_err());
        // It goes into a log as one line, whatever the names hold.
        for (scope, name) in [
            ("", "profile.a\nb\0"),
            ("endpoint:a\r\nb", "refer.allow"),
            ("endpoint:a\r\nb", "warning.agent"),
            ("\r\n", "refer.allow"),
            ("", "\r\n"),
        ] {
            let sentence = config.set(scope, name, "\n").unwrap_err().to_string();
            assert!(!sentence.contains(char::is_control), "{sentence:?}");
        }
        assert_eq!(config.get("endpoint:bob", "refer.allow"), Ok("yes"));
    }

    #[test]
    fn values_that_could_not_work_are_refused() {
        let mut config = Config::new();
        for (name, value) in [
            ("warning.agent", "my pbx, 2"),
            ("refer.header_allow", "X-Own, Route"),
            ("refer.header_allow", "p-asserted-identity"),
            ("refer.methods", "BYE, INVITE"),
            ("context", "a\r\nb"),
            ("park.places", "720-701"),
            ("park.places", "0-9"),
            ("park.places", "1-100001"),
            ("park.places", "701"),
            ("park.places", "701-1000000000"),
            ("park.places", "+701-720"),
        ] {
            let error = config.set("", name, value).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains('\n'), "{error}");
        }
        config.set("", "warning.agent", "[2001:db8::1]:5060").unwrap();
        config.set("", "park.places", "").unwrap();
        assert!(config.snapshot().global().park_places.is_empty());
        config.set("", "park.places", " 900 - 999 ").unwrap();
        assert_eq!(config.snapshot().global().park_places, 900..=999);
    }

    #[test]
    fn every_setting_has_a_default_that_fits_and_a_help() {
        let mut seen = std::collections::BTreeSet::new();
        for setting in settings() {
            assert!(seen.insert(setting.name), "{} twice", setting.name);
            assert!(!setting.help.is_empty() && !setting.values.is_empty(), "{}", setting.name);
            let set = setting.set(&mut Settings::default(), setting.default);
            assert!(set.is_ok(), "{}: {set:?}", setting.name);
        }
        assert!(Settings::default().replaces_allow && Settings::default().refer_allow);
    }
}

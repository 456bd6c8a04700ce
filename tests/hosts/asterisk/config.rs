//! The configuration of the Asterisks: what a site with many phones and a trunk to another
//! Asterisk has.

use super::process::Instance;
use super::Module;
use crate::ua::tls::Kit;
use crate::ua::Kind;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

/// Phones of one sort. Phone number `n` of a group is called after the letter of the group, for
/// instance `u007`: that is its endpoint, its user name and its extension.
#[derive(Debug)]
pub struct Group {
    /// The letter.
    pub letter: char,
    /// What they speak over.
    pub kind: Kind,
    /// How many there are.
    pub count: u64,
    /// The context that their calls begin in.
    pub context: &'static str,
    /// Further lines of their endpoints.
    pub options: &'static str,
}

const fn group(letter: char, kind: Kind, count: u64, context: &'static str) -> Group {
    Group { letter, kind, count, context, options: "" }
}

const fn with(letter: char, context: &'static str, options: &'static str) -> Group {
    Group { letter, kind: Kind::Udp, count: 20, context, options }
}

/// Usual phones, over UDP.
pub const UDP: &Group = &group('u', Kind::Udp, 500, "phones");
/// Usual phones, over TCP.
pub const TCP: &Group = &group('t', Kind::Tcp, 150, "phones");
/// Usual phones, over TLS.
pub const TLS: &Group = &group('s', Kind::Tls, 150, "phones");
/// Phones that must not transfer.
pub const FIXED: &Group = &with('n', "phones", "allow_transfer=no\n");
/// Phones in a context without an extension external_replaces.
pub const CLOSED: &Group = &group('c', Kind::Udp, 20, "closed");
/// Phones whose extension external_replaces hangs up.
pub const HANGUP: &Group = &group('h', Kind::Udp, 20, "hangup");
/// Phones with TRANSFER_CONTEXT set to a context that has an external_replaces of its own.
pub const ELSEWHERE: &Group = &with('e', "closed", "set_var=TRANSFER_CONTEXT=elsewhere\n");
/// Phones whose transfers are the application's.
pub const APPLICATION: &Group =
    &with('a', "phones", "set_var=PJSIP_TRANSFER_HANDLING()=ari-only\n");
/// Phones that are not told the progress of a blind transfer.
pub const QUIET: &Group = &with('q', "phones", "refer_blind_progress=no\n");
/// Phones that may pick up each other's calls, by a number and by a name.
pub const TEAM: &Group =
    &with('p', "phones", "call_group=1\npickup_group=1\nnamed_call_group=one\n");
/// Phones that may pick up the calls of the team, by the name of its group.
pub const NAMED: &Group = &with('m', "phones", "named_pickup_group=one\n");
/// Phones that may pick up the calls of another team.
pub const OTHER_TEAM: &Group =
    &with('o', "phones", "call_group=2\npickup_group=2\nnamed_pickup_group=two\n");

/// All groups.
pub const GROUPS: &[&Group] =
    &[UDP, TCP, TLS, FIXED, CLOSED, HANGUP, ELSEWHERE, APPLICATION, QUIET, TEAM, NAMED, OTHER_TEAM];

impl Group {
    /// The name of a phone.
    pub fn name(&self, n: u64) -> String {
        format!("{}{n:03}", self.letter)
    }

    /// Where a phone of the world with this network listens: each has an address of its own.
    pub fn address(&self, network: u8, n: u64) -> IpAddr {
        let row = GROUPS.iter().position(|group| group.letter == self.letter);
        let row = row.expect("a group of the list") as u64;
        let third = (20 + row * 4 + n / 200) as u8;
        IpAddr::V4(Ipv4Addr::new(127, network, third, (10 + n % 200) as u8))
    }
}

/// The port of SIP over this transport.
pub fn port(kind: Kind) -> u16 {
    if kind == Kind::Tls {
        5061
    } else {
        5060
    }
}

/// What one instance is told.
pub struct Site<'a> {
    /// The module that does transfers.
    pub module: Module,
    /// The number of all addresses of this world.
    pub network: u8,
    /// The address of the other Asterisk.
    pub peer: IpAddr,
    /// The certificates.
    pub kit: &'a Kit,
    /// The lines of sipxfer.conf.
    pub sipxfer: &'a str,
    /// T1 of all transactions, in milliseconds, where it is not to be the usual half second: a
    /// transaction is kept for 64 of it after its end (RFC 3261 section 17).
    pub timer_t1: Option<u32>,
}

/// Writes all configuration files of an instance.
pub fn write(instance: &Instance, site: &Site<'_>) {
    instance.file("modules.conf", &modules(site.module));
    instance
        .file("logger.conf", "[general]\n[logfiles]\nconsole => notice,warning,error,verbose\n");
    instance.file("extensions.conf", EXTENSIONS);
    instance.file("pjsip.conf", &pjsip(instance, site));
    let own = instance.address.to_string();
    instance.file("sipxfer.conf", &site.sipxfer.replace("@ADDRESS@", &own));
    instance.file("rtp.conf", "[general]\nrtpstart=10000\nrtpend=30000\n");
    instance.file("cdr.conf", "[general]\nenable=yes\nbatch=no\nunanswered=yes\n");
    instance.file("cdr_manager.conf", "[general]\nenabled=yes\n");
    let cel = "[general]\nenable=yes\napps=dial,queue,echo\nevents=ALL\n[manager]\nenabled=yes\n";
    instance.file("cel.conf", cel);
    instance.file("features.conf", "[general]\n");
    instance.file("queues.conf", "[general]\n[support]\nstrategy=ringall\ntimeout=30\n");
    instance.file("voicemail.conf", "[general]\nformat=wav\n[default]\n100 => 1,Mailbox\n");
    greeting(instance);
    instance.file("confbridge.conf", "[general]\n[default_user]\ntype=user\nquiet=yes\n");
    instance.file("musiconhold.conf", "[general]\n");
    instance.file("stasis.conf", "[threadpool]\ninitial_size=5\n");
    let address = instance.address;
    let text = format!(
        "[general]\nenabled=yes\nbindaddr={address}\nport={}\n[test]\nsecret=test\nread=all\n\
         write=all\n",
        super::ami::PORT
    );
    instance.file("manager.conf", &text);
    let text =
        format!("[general]\nenabled=yes\nbindaddr={address}\nbindport={}\n", super::ari::PORT);
    instance.file("http.conf", &text);
    let text = "[general]\nenabled=yes\n[test]\ntype=user\nread_only=no\npassword=test\n";
    instance.file("ari.conf", text);
    for (name, text) in [
        ("authority.pem", &site.kit.authority),
        ("certificate.pem", &site.kit.certificate),
        ("key.pem", &site.kit.key),
    ] {
        std::fs::write(instance.dir.join("keys").join(name), text).expect("a writable folder");
    }
}

/// What the mailbox says: five seconds of a tone, since the root has no recordings.
fn greeting(instance: &Instance) {
    let samples: Vec<u8> = (0..40_000u32)
        .flat_map(|n| if n / 8 % 2 == 0 { 4000i16 } else { -4000 }.to_le_bytes())
        .collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8000u32.to_le_bytes());
    wav.extend(16_000u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend((samples.len() as u32).to_le_bytes());
    wav.extend(samples);
    let dir = instance.dir.join("spool/voicemail/default/100");
    std::fs::create_dir_all(&dir).expect("a writable folder");
    std::fs::write(dir.join("unavail.wav"), wav).expect("a writable folder");
}

/// All modules, as a stock Asterisk has it, but for those that want a network or a device.
fn modules(module: Module) -> String {
    let mut text = "[modules]\nautoload=yes\n".to_owned();
    let unused = [
        "app_adsiprog",
        "app_agent_pool",
        "app_alarmreceiver",
        "app_festival",
        "app_followme",
        "app_jack",
        "app_minivm",
        "app_page",
        "app_sla",
        "app_voicemail_odbc",
        "app_zapateller",
        "cdr_adaptive_odbc",
        "cdr_csv",
        "cdr_custom",
        "cdr_odbc",
        "cdr_pgsql",
        "cdr_radius",
        "cdr_sqlite3_custom",
        "cdr_tds",
        "cel_custom",
        "cel_odbc",
        "cel_pgsql",
        "cel_radius",
        "cel_sqlite3_custom",
        "cel_tds",
        "chan_audiosocket",
        "chan_console",
        "chan_iax2",
        "chan_motif",
        "chan_unistim",
        "chan_websocket",
        "func_curl",
        "func_odbc",
        "pbx_ael",
        "pbx_dundi",
        "pbx_lua",
        "pbx_realtime",
        "res_adsi",
        "res_aeap",
        "res_ael_share",
        "res_calendar",
        "res_calendar_caldav",
        "res_calendar_ews",
        "res_calendar_exchange",
        "res_calendar_icalendar",
        "res_cdrel_custom",
        "res_config_curl",
        "res_config_ldap",
        "res_config_odbc",
        "res_config_pgsql",
        "res_config_sqlite3",
        "res_curl",
        "res_fax",
        "res_fax_spandsp",
        "res_hep",
        "res_hep_pjsip",
        "res_hep_rtcp",
        "res_http_media_cache",
        "res_odbc",
        "res_odbc_transaction",
        "res_phoneprov",
        "res_pjsip_phoneprov_provider",
        "res_pjsip_stir_shaken",
        "res_prometheus",
        "res_resolver_unbound",
        "res_smdi",
        "res_snmp",
        "res_speech_aeap",
        "res_statsd",
        "res_stir_shaken",
        "res_stun_monitor",
        "res_xmpp",
    ];
    let other = match module {
        Module::Stock => Some("res_pjsip_sipxfer"),
        Module::Sipxfer | Module::Compat => Some("res_pjsip_refer"),
        Module::Observe | Module::Beside => None,
    };
    for name in unused.iter().copied().chain(other) {
        let _ = writeln!(text, "noload = {name}.so");
    }
    text
}

fn pjsip(instance: &Instance, site: &Site<'_>) -> String {
    let address = instance.address;
    let keys = instance.dir.join("keys");
    let keys = keys.display();
    let mut text = format!(
        "[global]\ntype=global\nuser_agent=PBX\n\
         [udp]\ntype=transport\nprotocol=udp\nbind={address}:5060\n\
         [tcp]\ntype=transport\nprotocol=tcp\nbind={address}:5060\n\
         [tls]\ntype=transport\nprotocol=tls\nbind={address}:5061\nmethod=tlsv1_2\n\
         cert_file={keys}/certificate.pem\npriv_key_file={keys}/key.pem\n\
         ca_list_file={keys}/authority.pem\nverify_server=yes\n\
         [phone](!)\ntype=endpoint\ndisallow=all\nallow=ulaw\ndirect_media=no\n\
         [trunk]\ntype=endpoint\ndisallow=all\nallow=ulaw\ndirect_media=no\naors=trunk\n\
         context=trunk\nfrom_user=trunk\n\
         [trunk]\ntype=aor\ncontact=sip:{peer}:5060\n\
         [trunk]\ntype=identify\nendpoint=trunk\nmatch={peer}\n",
        peer = site.peer
    );
    if let Some(t1) = site.timer_t1 {
        let timer_b = 64 * t1;
        let _ = write!(text, "[system]\ntype=system\ntimer_t1={t1}\ntimer_b={timer_b}\n");
    }
    for group in GROUPS {
        for n in 0..group.count {
            let (name, ip) = (group.name(n), group.address(site.network, n));
            // A bare semicolon begins a comment.
            let param = group.kind.uri_param().replace(';', "\\;");
            let port = port(group.kind);
            let _ = write!(
                text,
                "[{name}](phone)\ncontext={context}\naors={name}\nauth={name}\naccountcode={name}\n\
                 callerid={name} <{name}>\n{options}\
                 [{name}]\ntype=auth\nauth_type=digest\nusername={name}\npassword=secret-{name}\n\
                 [{name}]\ntype=aor\ncontact=sip:{name}@{ip}:{port}{param}\n",
                context = group.context,
                options = group.options,
            );
        }
    }
    text
}

/// The password of a phone.
pub fn password(name: &str) -> String {
    format!("secret-{name}")
}

/// The dial plan. Phones call each other by name, and phones of the other Asterisk by `9` and the
/// name.
const EXTENSIONS: &str = r"[general]
static=yes

[common]
exten => _[a-z]XXX,1,Dial(PJSIP/${EXTEN},60)
exten => _9[a-z]XXX,1,Dial(PJSIP/${EXTEN:1}@trunk,60)
exten => echo,1,Answer()
 same => n,Echo()
exten => wait,1,Answer()
 same => n,Wait(3600)
exten => ring,1,Ringing()
 same => n,Wait(3600)
exten => tone,1,Progress()
 same => n,Playtones(440+480/2000\,0/4000)
 same => n,Wait(3600)
exten => busy,1,Busy(1)
exten => congestion,1,Congestion(1)
exten => tell,1,UserEvent(Told,Id: ${SIPXFER(id)},Kind: ${SIPXFER(kind)},Reason: ${SIPXFER(reason)},Rules: ${SIPXFER(rules)},Raw: ${SIPXFER(refer_to_raw)},Endpoint: ${CHANNEL(endpoint)})
 same => n,Answer()
 same => n,Wait(3600)
exten => _get[a-z]XXX,1,Set(__GET_TRANSFERRER_DATA=X-)
 same => n,Dial(PJSIP/${EXTEN:3},60)
exten => data,1,UserEvent(Data,One: ${HASH(TRANSFER_DATA,X-One)},Two: ${HASH(TRANSFER_DATA,X-Two)},Other: ${HASH(TRANSFER_DATA,Y-Other)},Endpoint: ${CHANNEL(endpoint)})
 same => n,Answer()
 same => n,Wait(3600)
exten => queue,1,Answer()
 same => n,Queue(support)
exten => voicemail,1,Answer()
 same => n,VoiceMail(100@default,u)
exten => _room.,1,Answer()
 same => n,ConfBridge(${EXTEN})
exten => _app.,1,Stasis(${EXTEN})
exten => _ariapp.,1,Set(PJSIP_TRANSFER_HANDLING()=ari-only)
 same => n,Answer()
 same => n,Stasis(${EXTEN:3})

[phones]
include => common
exten => external_replaces,1,UserEvent(ExternalReplaces,Transfer: ${SIPTRANSFER},ReferringContext: ${SIPREFERRINGCONTEXT},ReferTo: ${SIPREFERTOHDR},ReferredBy: ${SIPREFERREDBYHDR},Replaces: ${SIPREPLACESHDR},Who: ${CHANNEL(name)},Endpoint: ${CHANNEL(endpoint)},Node: ${SIPTRANSFERNODE})
 same => n,Dial(PJSIP/trunk/${SIPREFERTOHDR},60)

[closed]
include => common

[hangup]
include => common
exten => external_replaces,1,Hangup()

[elsewhere]
exten => external_replaces,1,UserEvent(Elsewhere,Transfer: ${SIPTRANSFER},ReferringContext: ${SIPREFERRINGCONTEXT})
 same => n,Dial(PJSIP/trunk/${SIPREFERTOHDR},60)

[trunk]
include => common
exten => replaces,1,UserEvent(ReplacesFailed,Who: ${CHANNEL(name)},Replaces: ${PJSIP_HEADER(read,Replaces)})
 same => n,Hangup(21)
";

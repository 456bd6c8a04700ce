//! How a server is reached, and what is found on it.

use crate::node::{at, dialog, text, Came, Made, Node};
use crate::server::{folder, free_port, until, Server};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use sipxfer::ffi as lib;
use sipxfer_cluster::ffi as own;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

#[test]
fn r018_a_dialog_of_one_node_is_found_by_another_and_had_by_whom_it_belongs_to() {
    let server = Server::start();
    let url = server.url();
    let a = Node::ready(&Made { name: "a", url: &url, ..Made::default() });
    let b = Node::ready(&Made { name: "b", url: &url, ..Made::default() });
    a.publish(&dialog(1, "bob"));
    a.is_published();
    assert_eq!(b.ask(1, "bob"), at("a"));
    assert_eq!(b.ask(1, "eve"), Came::Refused(403), "R009");
    assert_eq!(b.ask(2, "bob"), Came::Refused(481));
    // Its own dialogs a node looks for at home.
    assert_eq!(a.ask(1, "bob"), Came::Refused(481));
    // The state goes along.
    let early = own::sipxfer_dialog { state: lib::SIPXFER_DIALOG_EARLY, ..dialog(3, "bob") };
    a.publish(&early);
    a.is_published();
    assert_eq!(b.ask(3, "bob"), Came::Refused(481), "R017");
    a.publish(&dialog(3, "bob"));
    b.asks_until(3, "bob", &at("a"));
    a.remove(&dialog(3, "bob"));
    b.asks_until(3, "bob", &Came::Refused(481));
    // What is no call is none.
    let subscription = own::sipxfer_dialog { usage: lib::SIPXFER_USAGE_OTHER, ..dialog(4, "bob") };
    a.publish(&subscription);
    a.is_published();
    assert_eq!(b.ask(4, "bob"), Came::Refused(481));
    let stats = b.stats();
    assert!(stats.found >= 2 && stats.not_found >= 2 && stats.expired == 0);
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("sipxfer:d:*").query(&mut server.connection()).unwrap();
    assert_eq!(keys, ["sipxfer:d:call-1@phone\0local\0remote"]);
    let ttl: i64 = redis::cmd("TTL").arg(&keys[0]).query(&mut server.connection()).unwrap();
    assert!((500..=600).contains(&ttl), "what a dead node leaves behind vanishes: {ttl}");
}

#[test]
fn two_nodes_that_claim_one_dialog_are_no_match_until_one_of_them_lets_go() {
    let server = Server::start();
    let url = server.url();
    let [a, b, c] =
        ["a", "b", "c"].map(|name| Node::ready(&Made { name, url: &url, ..Made::default() }));
    for one in [&a, &b] {
        one.publish(&dialog(1, "bob"));
        one.is_published();
    }
    assert_eq!(c.ask(1, "bob"), Came::Refused(481), "R005");
    assert_eq!(c.stats().ambiguous, 1);
    a.remove(&dialog(1, "bob"));
    c.asks_until(1, "bob", &at("b"));
}

#[test]
fn what_another_node_has_published_is_read_as_hostile() {
    let server = Server::start();
    let url = server.url();
    let b = Node::ready(&Made { name: "b", url: &url, ..Made::default() });
    let mut connection = server.connection();
    let lease = |uri: &[u8]| [&[1][..], &7_u64.to_le_bytes(), uri].concat();
    let dialog = |state: u8, user: &[u8]| {
        let head = [&[1][..], &7_u64.to_le_bytes(), &[state, 2, 0, user.len() as u8]].concat();
        [head.as_slice(), user, &[0]].concat()
    };
    let mut put = |number: usize, lease: &[u8], dialog: &[u8]| {
        let node = format!("evil{number}");
        let key = format!("sipxfer:d:call-{number}@phone\0local\0remote");
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg(format!("sipxfer:n:{node}")).arg(lease);
        pipe.cmd("HSET").arg(key).arg(node).arg(dialog);
        pipe.exec(&mut connection).unwrap();
    };
    put(1, &lease(b"sip:ok@h"), &dialog(2, b"bob"));
    for (number, (lease, dialog)) in [
        (lease(b"sip:x@h&PJSIP/evil"), dialog(2, b"bob")),
        (lease(b"tel:5"), dialog(2, b"bob")),
        (lease(b"sip:x@h\r\nX: y"), dialog(2, b"bob")),
        (lease(b""), dialog(2, b"bob")),
        (b"nonsense".to_vec(), dialog(2, b"bob")),
        (lease(b"sip:ok@h"), b"\x01".to_vec()),
        (lease(b"sip:ok@h"), dialog(9, b"bob")),
        (lease(b"sip:ok@h"), dialog(2, b"b\nob")),
        (lease(b"sip:ok@h"), vec![0xff; 100_000]),
    ]
    .into_iter()
    .enumerate()
    {
        put(number + 2, &lease, &dialog);
    }
    assert_eq!(b.ask(1, "bob"), Came::Node("evil1".to_owned(), "sip:ok@h".to_owned()));
    for number in 2..11 {
        assert_eq!(b.ask(number, "bob"), Came::Refused(481), "{number}");
    }
    // A key of another kind is an error of the server's, and no end of the others.
    redis::cmd("SET")
        .arg("sipxfer:d:call-20@phone\0local\0remote")
        .arg("x")
        .exec(&mut server.connection())
        .unwrap();
    assert_eq!(b.ask(20, "bob"), Came::Refused(481));
    b.asks_until(1, "bob", &Came::Node("evil1".to_owned(), "sip:ok@h".to_owned()));
    assert_eq!(b.stats().panics, 0);
}

#[test]
fn a_password_is_handed_over_or_read_from_a_file_and_never_logged() {
    let server = Server::with(&["--requirepass", "SECRET-1"]);
    let url = server.url();
    let file = folder("password").join("password");
    fs::write(&file, "SECRET-1\n").unwrap();
    let password_file = file.to_str().unwrap();
    let a = Node::ready(&Made { name: "a", url: &url, password: "SECRET-1", ..Made::default() });
    let b = Node::ready(&Made { name: "b", url: &url, password_file, ..Made::default() });
    a.publish(&dialog(1, "bob"));
    a.is_published();
    assert_eq!(b.ask(1, "bob"), at("a"));
    let wrong = Node::new(&Made { name: "c", url: &url, password: "SECRET-2", ..Made::default() });
    until("it is refused", || {
        wrong.stats().failures > 0 && !wrong.host.log.lock().unwrap().is_empty()
    });
    assert_eq!(wrong.ask(1, "bob"), Came::Refused(481));
    let with_password = url.replace("redis://", "redis://:SECRET-3@");
    let other = Node::new(&Made { name: "d", url: &with_password, ..Made::default() });
    until("it is refused", || {
        other.stats().failures > 0 && !other.host.log.lock().unwrap().is_empty()
    });
    for node in [&a, &b, &wrong, &other] {
        let log = node.host.log.lock().unwrap().join("\n");
        assert!(!log.contains("SECRET"), "{log}");
    }
    let made = Made { url: "redis://:SECRET@nowhere:port", ..Made::default() };
    let (status, log) = Node::try_new(&made).err().unwrap();
    assert_eq!(status, lib::SIPXFER_E_BAD_VALUE);
    assert!(log[0].contains("cluster.url") && !log[0].contains("SECRET"), "{log:?}");
}

#[test]
fn a_server_is_reached_over_tls_by_its_certificate_only() {
    let dir = folder("tls");
    let issue = |ip: IpAddr| {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let mut own = CertificateParams::default();
        own.subject_alt_names = vec![rcgen::SanType::IpAddress(ip)];
        let key = KeyPair::generate().unwrap();
        let signed = own.signed_by(&key, &issuer).unwrap();
        (certificate.pem(), signed.pem(), key.serialize_pem())
    };
    let (ca, certificate, key) = issue(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (other_ca, ..) = issue(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let ca_file = write("ca.pem", &ca);
    let other_file = write("other.pem", &other_ca);
    let (certificate, key) = (write("cert.pem", &certificate), write("key.pem", &key));
    let port = free_port();
    let tls = port.to_string();
    let _server = Server::with(&[
        "--tls-port",
        &tls,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca_file,
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://127.0.0.1:{port}");
    let made = |name| Made { name, url: &url, ca_file: &ca_file, ..Made::default() };
    let (a, b) = (Node::ready(&made("a")), Node::ready(&made("b")));
    a.publish(&dialog(1, "bob"));
    a.is_published();
    assert_eq!(b.ask(1, "bob"), at("a"));
    let wrong = Node::new(&Made { ca_file: &other_file, ..made("c") });
    until("it is not believed", || wrong.stats().failures > 2);
    assert_eq!((wrong.stats().is_publishing, wrong.stats().askers), (0, 0));
}

#[test]
fn arguments_that_are_wrong_are_answered_with_a_status() {
    let mut cluster = std::ptr::null_mut();
    let mut options: own::sipxfer_cluster_options = unsafe { std::mem::zeroed() };
    let new = |options: &own::sipxfer_cluster_options, to: *mut _| unsafe {
        own::sipxfer_cluster_new(options, to)
    };
    assert_eq!(new(&options, &mut cluster), lib::SIPXFER_E_STRUCT_SIZE);
    options.struct_size = size_of::<own::sipxfer_cluster_options>();
    assert_eq!(new(&options, std::ptr::null_mut()), lib::SIPXFER_E_NULL);
    assert_eq!(new(&options, &mut cluster), lib::SIPXFER_E_BAD_VALUE);
    options.url = own::sipxfer_str { ptr: std::ptr::null(), len: 5 };
    assert_eq!(new(&options, &mut cluster), lib::SIPXFER_E_NULL);
    options.url = own::sipxfer_str { ptr: b"\xff\xfe".as_ptr().cast(), len: 2 };
    assert_eq!(new(&options, &mut cluster), lib::SIPXFER_E_BAD_VALUE);
    options.url = text("redis://127.0.0.1:1");
    (options.node, options.uri) = (text("a"), text("sip:a@h"));
    assert_eq!(new(&options, &mut cluster), lib::SIPXFER_OK);
    let publish = |dialog: *const own::sipxfer_dialog| unsafe {
        own::sipxfer_cluster_publish(cluster, dialog)
    };
    assert_eq!(publish(std::ptr::null()), lib::SIPXFER_E_NULL);
    let wrong = own::sipxfer_dialog { struct_size: 8, ..dialog(1, "bob") };
    assert_eq!(publish(&wrong), lib::SIPXFER_E_STRUCT_SIZE);
    for wrong in [
        own::sipxfer_dialog { state: 0, ..dialog(1, "bob") },
        own::sipxfer_dialog { initiator: 3, ..dialog(1, "bob") },
        own::sipxfer_dialog { usage: 9, ..dialog(1, "bob") },
        own::sipxfer_dialog { secure: 2, ..dialog(1, "bob") },
    ] {
        assert_eq!(publish(&wrong), lib::SIPXFER_E_RANGE);
    }
    let long = "x".repeat(2_000);
    let long = own::sipxfer_dialog { call_id: text(&long), ..dialog(1, "bob") };
    assert_eq!(publish(&long), lib::SIPXFER_OK);
    let mut stats: own::sipxfer_cluster_stats = unsafe { std::mem::zeroed() };
    let read = |stats: *mut _| unsafe { own::sipxfer_cluster_stats(cluster, stats) };
    assert_eq!(read(&mut stats), lib::SIPXFER_E_STRUCT_SIZE);
    stats.struct_size = size_of::<own::sipxfer_cluster_stats>();
    assert_eq!((read(&mut stats), stats.dropped, stats.dialogs), (lib::SIPXFER_OK, 1, 0));
    let attach = |engine: *const own::sipxfer_engine| unsafe {
        own::sipxfer_cluster_attach(cluster, engine, None)
    };
    assert_eq!(attach(std::ptr::dangling()), lib::SIPXFER_E_NULL);
    assert_eq!(attach(std::ptr::null()), lib::SIPXFER_OK);
    let nobody = unsafe { own::sipxfer_cluster_lookup(std::ptr::null_mut(), 1, std::ptr::null()) };
    assert_eq!(nobody, lib::SIPXFER_E_NOT_FOUND);
    assert!(own::sipxfer_cluster_get_api(1).is_null());
    let api = unsafe { &*own::sipxfer_cluster_get_api(0) };
    assert_eq!(api.struct_size, size_of::<own::sipxfer_cluster_api>());
    unsafe { (api.free)(cluster) };
    unsafe { (api.free)(std::ptr::null_mut()) };
}

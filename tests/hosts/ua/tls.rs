//! Certificates for one run: an authority that everybody here trusts, and one certificate for all.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::IpAddr;
use std::sync::Arc;

/// What hosts and phones need for TLS.
#[derive(Clone)]
pub struct Kit {
    /// The authority, in PEM.
    pub authority: String,
    /// The certificate of everybody, in PEM.
    pub certificate: String,
    /// Its key, in PEM.
    pub key: String,
    /// For connections that a phone opens: it trusts the authority only.
    pub client: Arc<ClientConfig>,
    /// For connections that a phone takes.
    pub server: Arc<ServerConfig>,
}

impl Kit {
    /// Makes both; the certificate is good for these addresses.
    pub fn new(addresses: &[IpAddr]) -> Kit {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(Vec::new()).expect("no names");
        // Names of their own: who has the name of its issuer is taken for self-signed.
        authority.distinguished_name.push(DnType::CommonName, "authority of the tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = authority.self_signed(&authority_key).expect("an authority");
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "hosts and phones of the tests");
        params.subject_alt_names = addresses.iter().map(|ip| SanType::IpAddress(*ip)).collect();
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");

        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(signed.der().clone()).expect("an authority can be trusted");
        let client = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let secret = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key");
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_no_client_auth()
            .with_single_cert(chain, secret)
            .expect("a certificate and its key");
        Kit {
            authority: signed.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            client: Arc::new(client),
            server: Arc::new(server),
        }
    }
}

//! QUIC, both ends of it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use quinn::{ClientConfig, Endpoint, ServerConfig, TransportConfig};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::RootCertStore;

use crate::turn;

/// A client opens a stream and waits for the greeting; the server hears of the stream with the first
/// byte, which never comes.
pub async fn silent_stream() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let certificate = own.cert.der().clone();
    // A debugger may hold both ends for long.
    let mut patient = TransportConfig::default();
    patient.max_idle_timeout(None);
    let patient = Arc::new(patient);
    let server = ServerConfig::with_single_cert(vec![certificate.clone()], key.into());
    let mut server = server.expect("TLS");
    server.transport_config(Arc::clone(&patient));
    let server = Endpoint::server(server, (Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let address = server.local_addr().expect("its address");
    tokio::spawn(greet(server));

    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let mut client = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let mut trusts = ClientConfig::with_root_certificates(Arc::new(roots)).expect("TLS");
    trusts.transport_config(patient);
    client.set_default_client_config(trusts);
    let connecting = client.connect(address, "localhost").expect("an address");
    tokio::spawn(async move {
        let connection = connecting.await.expect("a connection");
        let (_sending, mut receiving) = connection.open_bi().await.expect("a stream");
        receiving.read_to_end(80).await.expect("a greeting")
    });
    turn().await;
}

async fn greet(server: Endpoint) {
    while let Some(incoming) = server.accept().await {
        let connection = incoming.await.expect("a connection");
        let (mut sending, _) = connection.accept_bi().await.expect("a stream");
        sending.write_all(b"welcome\n").await.expect("room");
    }
}

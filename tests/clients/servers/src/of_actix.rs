//! A server of actix that takes uploads.

use std::io::Result;
use std::net::Ipv4Addr;

use actix_web::web::{Payload, PayloadConfig};
use actix_web::{post, App, Error, HttpServer};

#[post("/upload/{name}")]
async fn upload_file(body: Payload) -> std::result::Result<String, Error> {
    let file = body.to_bytes().await?;
    Ok(format!("{} bytes\n", file.len()))
}

/// Takes uploads on one thread.
#[actix_web::main]
pub async fn upload() -> Result<()> {
    let app = || App::new().app_data(PayloadConfig::new(1 << 20)).service(upload_file);
    let server = HttpServer::new(app).workers(1).bind((Ipv4Addr::LOCALHOST, 0))?;
    console::start(|| 0);
    console::say(&server.addrs()[0].to_string());
    server.run().await
}

//! As much of HTTP as the story needs.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::checkout;
use crate::stock::Inventory;

/// Older runtimes do not count their tasks.
static CUSTOMERS: AtomicUsize = AtomicUsize::new(0);

/// How many customers are being served.
pub fn customers() -> usize {
    CUSTOMERS.load(Ordering::SeqCst)
}

/// Answers one request and closes the connection.
pub async fn serve(customer: TcpStream, inventory: Arc<Mutex<Inventory>>) -> io::Result<()> {
    CUSTOMERS.fetch_add(1, Ordering::SeqCst);
    let answer = match read(&customer).await {
        Ok(request) => checkout(&request, &inventory).await,
        Err(error) => response("400 Bad Request", &error.to_string()),
    };
    CUSTOMERS.fetch_sub(1, Ordering::SeqCst);
    write(&customer, answer.as_bytes()).await
}

/// `POST /checkout/{item}`.
async fn checkout(request: &str, inventory: &Mutex<Inventory>) -> String {
    let item = request.strip_prefix("POST /checkout/").and_then(|rest| rest.split(' ').next());
    let Some(item) = item else { return response("404 Not Found", "there is only a checkout") };
    match checkout::buy(inventory, item).await {
        Ok(receipt) => response("200 OK", &receipt.to_string()),
        Err(error) => response("404 Not Found", &error.to_string()),
    }
}

fn response(status: &str, text: &str) -> String {
    let length = text.len() + 1;
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{text}\n")
}

/// Reads until the empty line.
async fn read(customer: &TcpStream) -> io::Result<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        customer.readable().await?;
        let mut part = [0; 512];
        match customer.try_read(&mut part) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => request.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    String::from_utf8(request).map_err(|_| io::ErrorKind::InvalidData.into())
}

async fn write(customer: &TcpStream, mut answer: &[u8]) -> io::Result<()> {
    while !answer.is_empty() {
        customer.writable().await?;
        match customer.try_write(answer) {
            Ok(length) => answer = &answer[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

//! A client of reqwest before a server that is slow.

use crate::turn;

/// One waits for the head of an answer, the other one for the rest of a body.
pub async fn slow_server(address: &str) {
    let client = reqwest::Client::new();
    tokio::spawn(price(client.clone(), format!("http://{address}/price/lamp")));
    turn().await;
    tokio::spawn(download(client, format!("http://{address}/catalogue")));
    turn().await;
}

async fn price(client: reqwest::Client, url: String) -> reqwest::Result<u16> {
    let answer = client.get(url).send().await?;
    Ok(answer.status().as_u16())
}

async fn download(client: reqwest::Client, url: String) -> reqwest::Result<usize> {
    let answer = client.get(url).send().await?;
    let catalogue = answer.bytes().await?;
    Ok(catalogue.len())
}

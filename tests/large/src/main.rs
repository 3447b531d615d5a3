//! `large-service [N]`: a shop's service that hangs, with N tasks at every place where it does.
//!
//! Its database, its cluster and its cloud are one server that accepts connections and never says a
//! word. What waits for it waits deep inside libraries, as in a service whose backend has gone. When
//! nothing moves any more it prints `ready N PID alive=N`.

mod cloud;
mod cluster;
mod health;
mod orders;
mod silence;

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{Handle, Runtime};

/// How many tasks at each place, where nobody says how many.
const USUAL: usize = 50;

/// For so long the number of tasks has to stay the same.
const CALM: Duration = Duration::from_secs(1);

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(USUAL), |text| text.parse());
    let count = count.context("usage: large-service [N]")?;
    Runtime::new()?.block_on(run(count))
}

async fn run(count: usize) -> Result<()> {
    let backend = silence::listen().await?;
    let health = health::serve().await?;
    let shop = orders::serve(backend).await?;
    let cloud = cloud::Cloud::new(backend);
    cluster::watch(backend, count)?;
    for number in 0..count {
        tokio::spawn(orders::order(shop, number));
        tokio::spawn(health::watch(health));
        tokio::spawn(cloud.clone().store_invoice(number));
        tokio::spawn(cloud.clone().find_customer(number));
        tokio::spawn(cloud.clone().balance(number));
    }
    let metrics = Handle::current().metrics();
    let mut alive = 0;
    while alive != metrics.num_alive_tasks() {
        alive = metrics.num_alive_tasks();
        tokio::time::sleep(CALM).await;
    }
    console::start(move || metrics.num_alive_tasks());
    console::say(&format!("ready {count} {} alive={alive}", std::process::id()));
    std::future::pending().await
}

//! Three tasks of the toy runtime, which wait for ever.

use std::future;
use std::io::{self, Read};

async fn order(drink: &'static str) {
    brew(drink).await;
}

async fn brew(drink: &'static str) {
    future::pending::<()>().await;
    println!("{drink}");
}

fn main() {
    let executor = toy::Executor::default();
    executor.spawn(order("tea"));
    executor.spawn(order("coffee"));
    executor.spawn(async { brew("water").await });
    executor.run(|| {
        println!("ready");
        let _ = io::stdin().read(&mut [0]);
    });
}

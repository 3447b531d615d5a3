//! A connection to a broker of AMQP that several tasks share.

use std::net::SocketAddr;

use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Result};
use tokio_stream::StreamExt;

use crate::turn;

/// The broker is short of memory: from the first message on it answers nothing on this connection.
pub async fn held_up(address: SocketAddr) {
    let uri = format!("amqp://{address}/%2f?heartbeat=0");
    let broker = Connection::connect(&uri, ConnectionProperties::default()).await;
    let broker = broker.expect("a connection");
    let mut channels = Vec::new();
    for _ in 0..3 {
        channels.push(broker.create_channel().await.expect("a channel"));
    }
    let [orders, lamps, stock] = channels.try_into().expect("three of them");
    declare(orders.clone(), "orders").await.expect("a queue");
    let confirmed = lamps.confirm_select(ConfirmSelectOptions::default()).await;
    confirmed.expect("confirmations");
    tokio::spawn(next_order(orders));
    turn().await;
    tokio::spawn(deliver(lamps));
    turn().await;
    tokio::spawn(declare(stock, "stock"));
    turn().await;
    // It is closed once nobody has it.
    std::mem::forget(broker);
}

async fn declare(channel: Channel, queue: &str) -> Result<()> {
    let options = QueueDeclareOptions::default();
    channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
    Ok(())
}

async fn next_order(channel: Channel) -> Result<()> {
    let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut orders = channel.basic_consume("orders".into(), "shop".into(), options, none).await?;
    while let Some(order) = orders.next().await {
        drop(order?);
    }
    Ok(())
}

async fn deliver(channel: Channel) -> Result<()> {
    let (options, none) = (BasicPublishOptions::default(), BasicProperties::default());
    let lamp = channel.basic_publish("".into(), "orders".into(), options, b"lamp", none).await?;
    lamp.await?;
    Ok(())
}

//! Actors of actix that wait for each other's answers.

use actix::prelude::*;

/// Asks the shop for a lamp.
#[derive(Message)]
#[rtype(result = "u32")]
struct Order {
    lamp: u32,
}

/// Asks the bank for the price of a lamp.
#[derive(Message)]
#[rtype(result = "u32")]
struct Pay {
    lamp: u32,
}

/// Takes no other message before the bank has answered.
struct Shop {
    bank: Option<Addr<Bank>>,
}

impl Actor for Shop {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.bank = Some(Bank { shop: context.address() }.start());
    }
}

impl Handler<Order> for Shop {
    type Result = AtomicResponse<Self, u32>;

    fn handle(&mut self, order: Order, _: &mut Self::Context) -> Self::Result {
        let bank = self.bank.clone().expect("it was started");
        let paid = async move { bank.send(Pay { lamp: order.lamp }).await.expect("a bank") };
        AtomicResponse::new(Box::pin(paid.into_actor(self)))
    }
}

/// Asks the shop what a lamp costs there.
struct Bank {
    shop: Addr<Shop>,
}

impl Actor for Bank {
    type Context = Context<Self>;
}

impl Handler<Pay> for Bank {
    type Result = AtomicResponse<Self, u32>;

    fn handle(&mut self, pay: Pay, _: &mut Self::Context) -> Self::Result {
        let shop = self.shop.clone();
        let price = async move { shop.send(Order { lamp: pay.lamp }).await.expect("a shop") };
        AtomicResponse::new(Box::pin(price.into_actor(self)))
    }
}

/// Runs until it is killed: the bank wants to know from the shop what that asks the bank.
pub fn shop_and_bank() {
    System::new().block_on(async {
        let shop = Shop { bank: None }.start();
        actix::spawn(async move { shop.send(Order { lamp: 3 }).await });
        crate::turn().await;
        crate::announce();
        std::future::pending::<()>().await;
    });
}

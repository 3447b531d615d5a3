//! Where invoices and customers are kept: two SDKs. The ledger's lock is held while its owner waits.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, StalledStreamProtectionConfig,
};
use tokio::sync::Mutex;

/// What was sold, in cents.
#[derive(Default)]
struct Ledger {
    total: u64,
}

/// Both of them, and the ledger.
#[derive(Clone)]
pub struct Cloud {
    files: aws_sdk_s3::Client,
    tables: aws_sdk_dynamodb::Client,
    ledger: Arc<Mutex<Ledger>>,
}

impl Cloud {
    /// With that server for both.
    pub fn new(address: SocketAddr) -> Self {
        let credentials = Credentials::new("shop", "secret", None, None, "large-service");
        let credentials = SharedCredentialsProvider::new(credentials);
        let http = aws_smithy_http_client::Builder::new().build_http();
        let region = Region::new("eu-central-1");
        let endpoint = format!("http://{address}");
        let files = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .http_client(http.clone())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let tables = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(credentials)
            .endpoint_url(&endpoint)
            .http_client(http)
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            files: aws_sdk_s3::Client::from_conf(files),
            tables: aws_sdk_dynamodb::Client::from_conf(tables),
            ledger: Arc::default(),
        }
    }

    /// Stores an invoice as a file.
    pub async fn store_invoice(self, number: usize) -> Result<()> {
        let text = format!("One lamp, order {number}").into_bytes();
        let put = self.files.put_object().bucket("invoices").key(format!("{number}.txt"));
        put.body(text.into()).send().await?;
        Ok(())
    }

    /// Looks a customer up.
    pub async fn find_customer(self, number: usize) -> Result<bool> {
        let key = AttributeValue::N(number.to_string());
        let found =
            self.tables.get_item().table_name("customers").key("number", key).send().await?;
        Ok(found.item.is_some())
    }

    /// Adds an order to the ledger; whoever comes next waits until it is stored.
    pub async fn balance(self, number: usize) -> Result<()> {
        let mut ledger = self.ledger.lock().await;
        ledger.total += number as u64;
        let total = AttributeValue::N(ledger.total.to_string());
        self.tables.put_item().table_name("ledger").item("total", total).send().await?;
        Ok(())
    }
}

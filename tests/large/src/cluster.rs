//! The cluster that the shop runs in: kube. A controller, and watchers of pods.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::{Controller, WatchStreamExt, reflector, watcher};
use kube::{Client, Config, ResourceExt};
use tokio_stream::StreamExt;

const NAMESPACE: &str = "shop";
const LATER: Duration = Duration::from_secs(300);

/// Starts a controller, and so many watchers.
pub fn watch(cluster: SocketAddr, count: usize) -> Result<()> {
    let mut config = Config::new(format!("http://{cluster}").parse()?);
    config.connect_timeout = None;
    config.write_timeout = None;
    let client = Client::try_from(config)?;
    tokio::spawn(control(client.clone()));
    for _ in 0..count {
        tokio::spawn(follow_pods(Api::namespaced(client.clone(), NAMESPACE)));
    }
    Ok(())
}

async fn follow_pods(pods: Api<Pod>) -> Result<()> {
    let (_known, writer) = reflector::store();
    let changes = reflector(writer, watcher(pods, watcher::Config::default()).default_backoff());
    let mut touched = std::pin::pin!(changes.touched_objects());
    while let Some(pod) = touched.next().await {
        let _ = pod?.name_any();
    }
    Ok(())
}

async fn control(client: Client) {
    let deployments = Api::<Deployment>::namespaced(client.clone(), NAMESPACE);
    let settings = Api::<ConfigMap>::namespaced(client.clone(), NAMESPACE);
    let mut outcomes = std::pin::pin!(
        Controller::new(deployments, watcher::Config::default())
            .owns(settings, watcher::Config::default())
            .run(reconcile, |_, _, _| Action::requeue(LATER), Arc::new(client))
    );
    while outcomes.next().await.is_some() {}
}

async fn reconcile(deployment: Arc<Deployment>, client: Arc<Client>) -> kube::Result<Action> {
    let deployments = Api::<Deployment>::namespaced(client.as_ref().clone(), NAMESPACE);
    let patch = Patch::Merge(serde_json::json!({"spec": {"replicas": 2}}));
    deployments.patch(&deployment.name_any(), &PatchParams::default(), &patch).await?;
    Ok(Action::requeue(LATER))
}

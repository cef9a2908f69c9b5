//! `maquette graph` and `maquette plan` on what runs. A [`FakeKubelet`] reports for the pods.

use crate::support::{
    FakeKubelet, FakeProvisioner, Operator, TestNamespace, kubeconfig, seconds, soon,
};
use std::{
    path::PathBuf,
    process::{Output, Stdio},
};
use tempfile::TempDir;
use tokio::process::Command;

/// A namespace, and a folder for the file that a command reads.
struct CommandTest {
    namespace: TestNamespace,
    folder: TempDir,
}

impl CommandTest {
    async fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self { namespace: TestNamespace::new(name).await, folder }
    }

    /// A file with an Architecture of this spec.
    fn file(&self, spec: &str) -> PathBuf {
        let text = format!(
            "{{apiVersion: maquette.dev/v1alpha1, kind: Architecture, metadata: {{name: shop}}, \
             spec: {spec}}}"
        );
        let file = self.folder.path().join("new.yaml");
        std::fs::write(&file, text).expect("a file");
        file
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_maquette"));
        let namespace = ["--namespace", &self.namespace.name];
        command.args(arguments).args(namespace).arg("--kubeconfig").arg(kubeconfig());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("maquette runs")
    }

    async fn plan(&self, spec: &str) -> (Option<i32>, String) {
        let file = self.file(spec).display().to_string();
        let output = self.run(&["plan", "-f", &file]).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text(&output.stdout) + &errors)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn graph_draws_what_runs_and_plan_previews_a_change() {
    let bench = CommandTest::new("commands").await;
    let (code, new) = bench.plan("{shape: ThreeTier}").await;
    assert_eq!(code, Some(2), "{new}");
    assert!(new.starts_with("shop in commands, a new ThreeTier"), "{new}");

    let _kubelet = FakeKubelet::start(&bench.namespace);
    let _operator = Operator::start("commands");
    bench.namespace.apply("shop", "{shape: ThreeTier}").await;
    bench.namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let drawn = bench.run(&["graph", "shop"]).await;
    let drawn = text(&drawn.stdout) + &text(&drawn.stderr);
    for part in ["n_load --> n_client", "n_client --> n_business", "n_business --> n_data"] {
        assert!(drawn.contains(part), "{drawn}");
    }

    let (code, same) = bench.plan("{shape: ThreeTier}").await;
    assert_eq!((code, same.as_str()), (Some(0), "shop in commands, ThreeTier: nothing to do\n"));
    let (code, other) = bench.plan("{shape: NTier}").await;
    assert_eq!(code, Some(2), "{other}");
    for part in ["from ThreeTier to NTier", "+ storefront", "- business", "data-shop-data-0: stays"]
    {
        assert!(other.contains(part), "{other}");
    }
    let (code, image) =
        bench.plan("{shape: ThreeTier, pods: {image: 'example.org/other:1'}}").await;
    assert_eq!(code, Some(2), "{image}");
    assert!(image.contains("image from the operator's to example.org/other:1"), "{image}");
}

#[tokio::test]
async fn plan_accepts_a_larger_volume_left_by_another_shape() {
    let bench = CommandTest::new("larger").await;
    let _kubelet = FakeKubelet::start(&bench.namespace);
    let _operator = Operator::start("larger");
    let larger = "{shape: ThreeTier, threeTier: {data: {storage: {size: 2Gi}}}}";
    bench.namespace.apply("shop", larger).await;
    bench.namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    bench.namespace.apply("shop", "{shape: ClientServer}").await;
    bench.namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let (code, same) = bench.plan("{shape: ClientServer}").await;
    assert_eq!((code, same.as_str()), (Some(0), "shop in larger, ClientServer: nothing to do\n"));
    let smaller = "{shape: ClientServer, clientServer: {data: {storage: {size: 512Mi}}}}";
    let (code, accepted) = bench.plan(smaller).await;
    assert_eq!(code, Some(2), "no claim has a volume: {accepted}");
    assert!(accepted.contains("data-shop-data-0: has no volume yet: created again, 512Mi"));
}

#[tokio::test]
async fn plan_refuses_to_shrink_a_volume() {
    let bench = CommandTest::new("shrinks").await;
    let provisioner = FakeProvisioner::start(&bench.namespace, "disk", false).await;
    let _kubelet = FakeKubelet::start(&bench.namespace);
    let _operator = Operator::start("shrinks");
    let spec = |size: &str| {
        let class = &provisioner.class;
        let storage = format!("{{size: {size}, storageClassName: {class}}}");
        format!("{{shape: ClientServer, clientServer: {{data: {{storage: {storage}}}}}}}")
    };
    bench.namespace.apply("shop", &spec("1Gi")).await;
    bench.namespace.await_condition("shop", "Ready", soon(), |c| c.status == "True").await;
    let (code, refused) = bench.plan(&spec("512Mi")).await;
    assert_eq!(code, Some(1), "{refused}");
    let reason = "the volume of data cannot shrink from 1Gi to 512Mi";
    assert!(refused.contains(reason), "{refused}");
}

#[tokio::test]
async fn plan_watch_follows_a_change_to_its_end() {
    let bench = CommandTest::new("followed").await;
    let absent = bench.run(&["plan", "--watch", "absent"]).await;
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("no Architecture absent in namespace followed"));

    bench.namespace.apply("shop", "{shape: ThreeTier}").await;
    let early = bench.run(&["plan", "--watch", "shop", "--timeout", "0"]).await;
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    let follows = bench.command(&["plan", "--watch", "shop"]).spawn().expect("maquette runs");
    let _kubelet = FakeKubelet::start(&bench.namespace);
    let _operator = Operator::start("followed");
    let ended = tokio::time::timeout(soon(), follows.wait_with_output()).await;
    let ended = ended.expect("it ends in time").expect("it ends");
    let printed = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{printed}");
    assert!(
        printed.lines().last().is_some_and(|line| line.contains("done (4/4 components ready)")),
        "{printed}"
    );

    // A refused specification ends the watch at once.
    let bad = "{shape: NTier, nTier: {entry: a, services: [{name: a}, {name: b}]}}";
    bench.namespace.apply("shop", bad).await;
    let refused = bench.run(&["plan", "--watch", "shop", "--timeout", "1m"]).await;
    let printed = text(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1), "{printed}");
    assert!(printed.contains("refused: "), "{printed}");
}

#[tokio::test]
async fn plan_watch_ends_when_a_new_architecture_is_stuck() {
    let bench = CommandTest::new("stuck-watch").await;
    let _operator = Operator::start("stuck-watch");
    bench.namespace.apply("shop", "{shape: ThreeTier}").await;
    bench.namespace.await_children("shop").await;
    let follows = bench.command(&["plan", "--watch", "shop"]).spawn().expect("maquette runs");
    crate::events::fail_pull(&bench.namespace, "data").await;
    let ended = tokio::time::timeout(seconds(60), follows.wait_with_output()).await;
    let ended = ended.expect("it ends within a minute").expect("it ends");
    let printed = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{printed}");
    let last = printed.lines().last().unwrap_or_default();
    assert!(last.contains("blocked: PodsNotReady: pod shop-data-0: image"), "{printed}");
}

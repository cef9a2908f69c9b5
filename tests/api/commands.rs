//! `maquette graph` and `maquette plan` on what runs. The pods are played, see [`FakeKubelet`].

use crate::support::{FakeKubelet, Operator, TestNamespace, kubeconfig, soon};
use std::{
    path::PathBuf,
    process::{Output, Stdio},
};
use tempfile::TempDir;
use tokio::process::Command;

/// A namespace with a file to apply to it.
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
async fn what_runs_is_drawn_and_a_change_of_it_told() {
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
async fn a_volume_that_another_shape_left_larger_is_as_it_is_specified() {
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
    let (code, refused) = bench.plan(smaller).await;
    assert_eq!(code, Some(1), "{refused}");
    assert!(refused.contains("data: a volume cannot shrink: keep its size, 1Gi"), "{refused}");
}

#[tokio::test]
async fn a_change_is_followed_until_it_is_done() {
    let bench = CommandTest::new("followed").await;
    let nobody = bench.run(&["plan", "--watch", "nobody"]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("no Architecture nobody in namespace followed"));

    bench.namespace.apply("shop", "{shape: ThreeTier}").await;
    let early = bench.run(&["plan", "--watch", "shop", "--timeout", "0"]).await;
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    let follows = bench.command(&["plan", "--watch", "shop"]).spawn().expect("maquette runs");
    let _kubelet = FakeKubelet::start(&bench.namespace);
    let _operator = Operator::start("followed");
    let ended = tokio::time::timeout(soon(), follows.wait_with_output()).await;
    let ended = ended.expect("it ends in time").expect("it ends");
    let said = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}");
    assert!(
        said.lines().last().is_some_and(|line| line.contains("done (4/4 components ready)")),
        "{said}"
    );

    // What cannot run ends it at once.
    let bad = "{shape: NTier, nTier: {services: [{name: a}, {name: b}]}}";
    bench.namespace.apply("shop", bad).await;
    let refused = bench.run(&["plan", "--watch", "shop", "--timeout", "1m"]).await;
    let said = text(&refused.stdout);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("refused: "), "{said}");
}

//! `redis-cli` and `redis-benchmark`.

use crate::support::TestStore;
use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// Runs a tool against the store, with `input`, and waits for its end.
async fn run_tool(tool: &'static str, store: &TestStore, args: &[&str], input: &str) -> Output {
    let port = store.address.port().to_string();
    let args: Vec<String> = args.iter().map(ToString::to_string).collect();
    let input = input.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(tool)
            .args(["-h", "127.0.0.1", "-p", &port])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot run {tool} ({error}): install the Debian package redis-tools")
            });
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    running.await.unwrap()
}

/// The output of `redis-cli`.
async fn redis_cli(store: &TestStore, args: &[&str]) -> String {
    let output = run_tool("redis-cli", store, args, "").await;
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn redis_cli_works_as_with_redis() {
    let store = TestStore::start().await;
    assert_eq!(redis_cli(&store, &["PING"]).await, "PONG");
    assert_eq!(redis_cli(&store, &["PING", "hello"]).await, "hello");
    assert_eq!(redis_cli(&store, &["ECHO", "a b"]).await, "a b");
    assert_eq!(redis_cli(&store, &["SET", "orders/1", "one"]).await, "OK");
    assert_eq!(redis_cli(&store, &["SET", "orders/1", "two", "NX"]).await, "");
    assert_eq!(redis_cli(&store, &["SET", "orders/1", "two", "IFEQ", "one"]).await, "OK");
    assert_eq!(redis_cli(&store, &["--no-raw", "GET", "orders/1"]).await, "\"two\"");
    assert_eq!(redis_cli(&store, &["--no-raw", "GET", "none"]).await, "(nil)");
    assert_eq!(redis_cli(&store, &["--no-raw", "EXISTS", "orders/1"]).await, "(integer) 1");
    assert_eq!(redis_cli(&store, &["MGET", "orders/1", "none"]).await, "two");
    assert_eq!(redis_cli(&store, &["--scan", "--pattern", "orders/*"]).await, "orders/1");
    assert_eq!(redis_cli(&store, &["--no-raw", "DBSIZE"]).await, "(integer) 1");
    assert_eq!(redis_cli(&store, &["COMMAND", "COUNT"]).await, "41");
    assert!(
        redis_cli(&store, &["COMMAND", "DOCS", "get"]).await.contains("Returns the string value")
    );
    assert!(redis_cli(&store, &["COMMAND"]).await.contains("dbsize"));
    assert!(redis_cli(&store, &["INFO"]).await.contains("# Keyspace"));
    assert!(!redis_cli(&store, &["INFO", "server"]).await.contains("# Keyspace"));
    assert_eq!(redis_cli(&store, &["--no-raw", "DEL", "orders/1"]).await, "(integer) 1");
    assert_eq!(redis_cli(&store, &["QUIT"]).await, "OK");
    let unknown = redis_cli(&store, &["FLUSHALL"]).await;
    assert_eq!(unknown, "ERR unknown command 'FLUSHALL', with args beginning with:");
}

#[tokio::test]
async fn redis_cli_executes_commands_from_a_pipe_and_a_bulk_file() {
    let store = TestStore::start().await;
    let output =
        run_tool("redis-cli", &store, &[], "SET 'a b' \"x\\ny\"\nGET 'a b'\nDBSIZE\n").await;
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "OK\nx\ny\n1\n");
    let commands: String = (0..2000).map(|n| format!("SET key/{n} {n}\r\n")).collect();
    let output = run_tool("redis-cli", &store, &["--pipe"], &commands).await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("errors: 0, replies: 2000"), "{stdout}");
    assert_eq!(redis_cli(&store, &["DBSIZE"]).await, "2001");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_benchmark_reports_no_error() {
    let store = TestStore::start().await;
    let args = ["-n", "3000", "-c", "20", "-P", "8", "-r", "1000", "-t", "ping,set,get", "--csv"];
    let output = run_tool("redis-benchmark", &store, &args, "").await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    for test in ["PING_INLINE", "PING_MBULK", "SET", "GET"] {
        let line = stdout.lines().find(|line| line.starts_with(&format!("\"{test}\"")));
        let rate =
            line.and_then(|line| line.split('"').nth(3)).unwrap_or_else(|| panic!("{stdout}"));
        assert!(rate.parse::<f64>().unwrap() > 0.0);
    }
    assert!(store.storage.item_count() > 500);
}

/// The Go client go-redis with its default settings: the tests in `dev/clients/go`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn go_redis_works() {
    let store = TestStore::start().await;
    let address = store.address.to_string();
    let running = tokio::task::spawn_blocking(move || {
        Command::new("go")
            .args(["test", "-count=1", "./..."])
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/clients/go"))
            .env("MAQUETTE_STORE", address)
            .output()
            .unwrap()
    });
    let output = running.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
}

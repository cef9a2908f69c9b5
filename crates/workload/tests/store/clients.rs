//! Two client libraries: `redis` and `fred`.

use crate::support::TestStore;
use fred::prelude::{
    Builder, ClientLike, Config, KeysInterface, ServerConfig, ServerInterface, SetOptions,
};
use redis::{
    AsyncCommands, AsyncIter, ExistenceCheck, RedisResult, ValueComparison,
    aio::MultiplexedConnection, pipe,
};
use std::collections::BTreeSet;

async fn connect(store: &TestStore) -> MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}", store.address)).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

#[tokio::test]
async fn values_and_keys_are_arbitrary_bytes() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let all: Vec<u8> = (0..=255).collect();
    let large = vec![7_u8; 1024 * 1024];
    let _: () = redis.set(&all, &large).await.unwrap();
    let _: () = redis.set("", "empty key").await.unwrap();
    let _: () = redis.set("empty value", "").await.unwrap();
    assert!(redis.get::<_, Vec<u8>>(&all).await.unwrap() == large);
    assert_eq!(redis.get::<_, String>("").await.unwrap(), "empty key");
    assert_eq!(redis.get::<_, Option<String>>("empty value").await.unwrap(), Some(String::new()));
    assert_eq!(redis.get::<_, Option<String>>("none").await.unwrap(), None);
}

#[tokio::test]
async fn conditions_of_set_hold() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let absent = redis::SetOptions::default().conditional_set(ExistenceCheck::NX);
    let present = redis::SetOptions::default().conditional_set(ExistenceCheck::XX);
    let equals =
        |value: &str| redis::SetOptions::default().value_comparison(ValueComparison::ifeq(value));
    let mut set = async |value: &str, options| -> Option<String> {
        redis.set_options("key", value, options).await.unwrap()
    };
    let ok = Some("OK".to_owned());
    assert_eq!(set("1", present.clone()).await, None);
    assert_eq!(set("1", equals("")).await, None);
    assert_eq!(set("1", absent.clone()).await, ok);
    assert_eq!(set("2", absent).await, None);
    assert_eq!(set("2", present).await, ok);
    assert_eq!(set("3", equals("1")).await, None);
    assert_eq!(set("3", equals("2")).await, ok);
    assert_eq!(set("4", equals("2").get(true)).await, Some("3".to_owned()));
    assert_eq!(set("4", equals("3").get(true)).await, Some("3".to_owned()));
    assert_eq!(redis.get::<_, String>("key").await.unwrap(), "4");
}

#[tokio::test]
async fn compare_and_set_loses_no_update_of_concurrent_writers() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let _: () = redis.set("count", "0").await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut redis = connect(&store).await;
        writers.spawn(async move {
            for _ in 0..25 {
                loop {
                    let old: u32 = redis.get("count").await.unwrap();
                    let options = redis::SetOptions::default()
                        .value_comparison(ValueComparison::ifeq(old.to_string()));
                    let new = (old + 1).to_string();
                    let set: Option<String> =
                        redis.set_options("count", new, options).await.unwrap();
                    if set.is_some() {
                        break;
                    }
                }
            }
        });
    }
    writers.join_all().await;
    assert_eq!(redis.get::<_, u32>("count").await.unwrap(), 200);
}

#[tokio::test]
async fn many_keys_are_read_deleted_and_counted() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    for key in ["a", "b", "c"] {
        let _: () = redis.set(key, key.to_uppercase()).await.unwrap();
    }
    let values: Vec<Option<String>> = redis.mget(&["c", "x", "a", "c"]).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(values, [text("C"), None, text("A"), text("C")]);
    assert_eq!(redis.exists::<_, u32>(&["a", "a", "x"]).await.unwrap(), 2);
    assert_eq!(redis.del::<_, u32>(&["a", "b", "b", "x"]).await.unwrap(), 2);
    assert_eq!(redis::cmd("DBSIZE").query_async::<u32>(&mut redis).await.unwrap(), 1);
}

#[tokio::test]
async fn a_reply_of_many_large_values_is_complete() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let keys: Vec<String> = (0..20).map(|number| format!("large/{number}")).collect();
    for key in &keys {
        let _: () = redis.set(key, key.repeat(30_000)).await.unwrap();
    }
    let values: Vec<String> = redis.mget(&keys).await.unwrap();
    assert!(keys.iter().zip(&values).all(|(key, value)| *value == key.repeat(30_000)));
}

#[tokio::test]
async fn a_scan_returns_every_key_that_exists_throughout() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let kept: BTreeSet<String> = (0..500).map(|number| format!("orders/{number}")).collect();
    let mut pipe = pipe();
    kept.iter().for_each(|key| {
        pipe.set(key, "v");
    });
    let _: () = pipe.query_async(&mut redis).await.unwrap();

    let mut other = connect(&store).await;
    let mut found = Vec::new();
    let mut keys: AsyncIter<String> = redis.scan_match("orders/*").await.unwrap();
    while let Some(key) = keys.next_item().await {
        found.push(key.unwrap());
        let number = found.len();
        let _: () = other.set(format!("orders/new-{number}"), "v").await.unwrap();
        let _: () = other.del(format!("orders/new-{}", number / 2)).await.unwrap();
    }
    drop(keys);
    let once: BTreeSet<String> = found.iter().filter(|key| kept.contains(*key)).cloned().collect();
    assert_eq!(once, kept);
    assert_eq!(found.iter().filter(|key| kept.contains(*key)).count(), kept.len());

    let mut none: AsyncIter<String> = redis.scan_match("catalog/*").await.unwrap();
    assert!(none.next_item().await.is_none());
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order_and_shares_commits() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let mut pipe = pipe();
    for number in 0..300 {
        pipe.set("key", number).ignore().set(number, number).ignore();
    }
    pipe.get("key").get(7).del("key").get("key");
    let before = store.storage.commit_count();
    let (last, seven, deleted, gone): (u32, u32, u32, Option<u32>) =
        pipe.query_async(&mut redis).await.unwrap();
    assert_eq!((last, seven, deleted, gone), (299, 7, 1, None));
    let commits = store.storage.commit_count() - before;
    assert!(commits < 100, "{commits} commits for 601 writes");
}

#[tokio::test]
async fn errors_have_the_texts_of_redis() {
    let store = TestStore::start().await;
    let mut redis = connect(&store).await;
    let mut fails = async |words: &[&str]| {
        let mut command = redis::cmd(words[0]);
        let outcome: RedisResult<()> = command.arg(&words[1..]).query_async(&mut redis).await;
        let error = outcome.unwrap_err();
        format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
    };
    let unknown = "ERR unknown command 'HGET', with args beginning with: 'a' 'b' ";
    assert_eq!(fails(&["HGET", "a", "b"]).await, unknown);
    assert_eq!(
        fails(&["SET", "k", "v", "EX", "x"]).await,
        "ERR value is not an integer or out of range"
    );
    assert_eq!(fails(&["SELECT", "1"]).await, "ERR DB index is out of range");
    assert_eq!(fails(&["GET"]).await, "ERR wrong number of arguments for 'get' command");
}

#[tokio::test]
async fn the_client_library_fred_works() {
    let store = TestStore::start().await;
    let server = ServerConfig::new_centralized("127.0.0.1", store.address.port());
    let client = Builder::from_config(Config { server, ..Config::default() }).build().unwrap();
    client.init().await.unwrap();
    let set = async |value: &str, options| -> Option<String> {
        client.set("key", value, None, options, false).await.unwrap()
    };
    assert_eq!(set("1", None).await.as_deref(), Some("OK"));
    assert_eq!(set("2", Some(SetOptions::NX)).await, None);
    assert_eq!(client.get::<String, _>("key").await.unwrap(), "1");
    let values: Vec<Option<String>> = client.mget(vec!["none", "key"]).await.unwrap();
    assert_eq!(values, [None, Some("1".to_owned())]);
    assert_eq!(client.dbsize::<u32>().await.unwrap(), 1);
    assert!(client.info::<String>(None).await.unwrap().contains("db0:keys=1"));
    assert_eq!(client.del::<u32, _>("key").await.unwrap(), 1);
    client.quit().await.unwrap();
}

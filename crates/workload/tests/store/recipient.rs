//! A connection that is meant for another store is refused before any of its requests is executed.

use crate::support::{TestStore, encode_request, expect_reply, read_to_end};
use maquette_contract::{Recipient, keys::COMMAND_RECIPIENT};
use proptest::prelude::*;
use tokio::{io::AsyncWriteExt, runtime::Builder};

const SET: &[u8] = b"SET a of-a-stranger\r\n";

fn naming(recipient: &[u8]) -> Vec<u8> {
    encode_request(&[COMMAND_RECIPIENT.as_bytes(), recipient])
}

#[tokio::test]
async fn a_connection_meant_for_this_store_or_for_nobody_is_served() {
    let store = TestStore::start().await;
    for named in ["the-uid/data", "the-uid"] {
        let sent = [naming(named.as_bytes()), b"PING\r\n".to_vec()].concat();
        assert_eq!(store.exchange(&sent).await, "+OK\r\n+PONG\r\n");
    }
    assert_eq!(store.exchange(b"maquette.to the-uid/data\r\n").await, "+OK\r\n");
    assert_eq!(store.exchange(b"PING\r\n").await, "+PONG\r\n");
}

#[tokio::test]
async fn nothing_of_a_connection_that_is_meant_for_another_is_executed() {
    let store = TestStore::start().await;
    store.exchange(b"SET a of-shop\r\n").await;
    let mut stream = store.connect().await;
    let sent = [naming(b"another-uid/data"), SET.to_vec(), b"GET a\r\n".to_vec()].concat();
    stream.write_all(&sent).await.unwrap();
    // The store closes the connection: the client does not.
    let refusal = read_to_end(&mut stream).await;
    assert_eq!(
        refusal,
        "-MISDIRECTED belongs to component data of Architecture shop (UID the-uid), but the \
         request is for component data of the Architecture with UID another-uid\r\n"
    );
    assert_eq!(store.storage.get(b"a").await.unwrap().as_deref(), Some(b"of-shop".as_slice()));
}

#[tokio::test]
async fn requests_before_the_refusal_are_answered() {
    let store = TestStore::start().await;
    let sent = [b"SET b 1\r\n".to_vec(), naming(b"another-uid/data"), SET.to_vec()].concat();
    let replies = store.exchange(&sent).await;
    assert!(replies.starts_with("+OK\r\n-MISDIRECTED "), "{replies}");
    assert_eq!(store.storage.get(b"a").await.unwrap(), None);
}

#[tokio::test]
async fn a_wrong_number_of_names_is_an_error_of_redis() {
    let store = TestStore::start().await;
    let mut stream = store.connect().await;
    stream.write_all(b"MAQUETTE.TO\r\nPING\r\n").await.unwrap();
    let error = "-ERR wrong number of arguments for 'maquette.to' command\r\n+PONG\r\n";
    expect_reply(&mut stream, error).await;
}

/// Names of any bytes, and those that resemble a recipient.
fn garbled() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[a-z/ -]{0,120}".prop_map(String::into_bytes),
        Just(vec![b'u'; 512 * 1024]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_garbled_name_is_refused_with_a_short_error(named in garbled()) {
        let text = String::from_utf8_lossy(&named);
        prop_assume!(text != "the-uid" && text != "the-uid/data");
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let replies = runtime.block_on(async {
            let store = TestStore::start().await;
            let replies = store.exchange(&[naming(&named), SET.to_vec()].concat()).await;
            assert_eq!(store.storage.get(b"a").await.unwrap(), None);
            replies
        });
        prop_assert!(replies.starts_with("-MISDIRECTED "), "{replies}");
        prop_assert!(replies.len() < 300 && replies.ends_with("\r\n"), "{replies}");
        prop_assert_eq!(replies.lines().count(), 1);
        prop_assert!(text.parse::<Recipient>().is_err() || replies.contains("belongs to"));
    }
}

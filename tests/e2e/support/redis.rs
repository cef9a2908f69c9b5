//! The keys in a store, read over RESP through a forwarded port.

use super::Model;
use k8s_openapi::api::core::v1::Pod;
use maquette_contract::ports;
use std::collections::BTreeSet;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

impl Model {
    /// Every key in the store's pod.
    pub(crate) async fn keys_in(&self, pod: &str) -> BTreeSet<String> {
        let port = ports::STORE.number;
        let mut forwarder = self.api::<Pod>().portforward(pod, &[port]).await.expect("a port");
        let stream = forwarder.take_stream(port).expect("a stream");
        let mut store = BufReader::new(stream);
        let mut keys = BTreeSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let request = format!("*2\r\n$4\r\nSCAN\r\n${}\r\n{cursor}\r\n", cursor.len());
            store.write_all(request.as_bytes()).await.expect("a request sent");
            assert_eq!(header(&mut store, '*').await, 2, "SCAN gives a cursor and keys");
            cursor = bulk(&mut store).await;
            for _ in 0..header(&mut store, '*').await {
                keys.insert(bulk(&mut store).await);
            }
            if cursor == "0" {
                return keys;
            }
        }
    }
}

async fn header(store: &mut (impl AsyncBufReadExt + Unpin), sign: char) -> usize {
    let mut line = String::new();
    store.read_line(&mut line).await.expect("a line");
    let length = line.trim_end().strip_prefix(sign).and_then(|length| length.parse().ok());
    length.unwrap_or_else(|| panic!("{line:?} does not begin with {sign}"))
}

async fn bulk(store: &mut (impl AsyncBufReadExt + Unpin)) -> String {
    let length = header(store, '$').await;
    let mut bytes = vec![0; length + 2];
    store.read_exact(&mut bytes).await.expect("a string");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

//! The memory of the process under clients that ask for as much as the protocol allows.

use crate::{store_process::StoreProcess, support::encode_request};
use redis::Commands;
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What a pod with the default limit of 256 MiB may take, with some of it left for the rest.
const MAX_RESIDENT: u64 = 160 * 1024 * 1024;

/// The most resident memory so far, in bytes.
fn peak_resident(store: &StoreProcess) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", store.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn open_stream(store: &StoreProcess) -> TcpStream {
    let stream = TcpStream::connect(store.store).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// A request with as many arguments as the protocol allows, each of one byte.
fn many_arguments(command: &str) -> Vec<u8> {
    let mut args = vec![b"x".as_slice(); 65_536];
    args[0] = command.as_bytes();
    encode_request(&args)
}

#[test]
fn requests_of_many_arguments_take_bounded_memory() {
    let directory = TempDir::new().unwrap();
    let store = StoreProcess::start(directory.path());
    for command in ["DEL", "EXISTS", "MGET"] {
        let request = many_arguments(command);
        let clients: Vec<_> = (0..24)
            .map(|_| {
                let (mut stream, request) = (open_stream(&store), request.clone());
                thread::spawn(move || {
                    stream.write_all(&request).unwrap();
                    let mut reply = [0; 4];
                    stream.read_exact(&mut reply).unwrap();
                    reply
                })
            })
            .collect();
        for client in clients {
            let reply = client.join().unwrap();
            assert!(reply.starts_with(b":0") || reply.starts_with(b"*"), "{reply:?}");
        }
    }
    let peak = peak_resident(&store);
    assert!(peak < MAX_RESIDENT, "{} MiB", peak >> 20);
}

#[test]
fn a_large_request_behind_a_smaller_one_waits_for_its_memory() {
    let directory = TempDir::new().unwrap();
    let store = StoreProcess::start(directory.path());
    let mut pipeline = encode_request(&[b"SET", b"k", &vec![b'x'; 70_000]]);
    pipeline.extend(many_arguments("DEL"));
    let clients: Vec<_> = (0..48)
        .map(|_| {
            let (mut stream, pipeline) = (open_stream(&store), pipeline.clone());
            thread::spawn(move || {
                stream.write_all(&pipeline).unwrap();
                let mut replies = [0; 9];
                stream.read_exact(&mut replies).unwrap();
                replies
            })
        })
        .collect();
    for client in clients {
        assert_eq!(&client.join().unwrap(), b"+OK\r\n:0\r\n");
    }
    let peak = peak_resident(&store);
    assert!(peak < MAX_RESIDENT, "{} MiB", peak >> 20);
}

#[test]
fn requests_that_stop_halfway_and_replies_that_are_not_read_take_bounded_memory() {
    let directory = TempDir::new().unwrap();
    let store = StoreProcess::start(directory.path());
    let value = vec![b'x'; 1024 * 1024];
    let _: () = store.connect().set("large", &value).unwrap();
    let half = encode_request(&[b"SET", b"k", &value]);
    let gets = encode_request(&[b"GET", b"large"]).repeat(50);
    let open: Vec<_> = (0..200)
        .map(|number| {
            let mut stream = open_stream(&store);
            stream.set_nonblocking(true).unwrap();
            let sent = if number % 2 == 0 { &half[..half.len() / 2] } else { gets.as_slice() };
            // The store stops reading at its bounds.
            let _ = stream.write(sent);
            stream
        })
        .collect();
    // Small requests are served meanwhile.
    let mut redis = store.connect();
    let deadline = Instant::now() + Duration::from_secs(2);
    while Instant::now() < deadline {
        let _: () = redis.set("small", "1").unwrap();
    }
    drop(open);
    let peak = peak_resident(&store);
    assert!(peak < MAX_RESIDENT, "{} MiB", peak >> 20);
}

#[test]
fn a_slow_reader_of_large_replies_does_not_keep_others_waiting() {
    let directory = TempDir::new().unwrap();
    let store = StoreProcess::start(directory.path());
    let value = vec![b'x'; 1024 * 1024];
    let _: () = store.connect().set("large", &value).unwrap();
    let gets = encode_request(&[b"GET", b"large"]).repeat(100);
    let slow: Vec<_> = (0..16)
        .map(|_| {
            let mut stream = open_stream(&store);
            stream.write_all(&gets).unwrap();
            thread::spawn(move || {
                let mut chunk = vec![0; 20 * 1024];
                // Ends when the store closes the connection, or after all replies.
                while stream.read(&mut chunk).is_ok_and(|read| read > 0) {
                    thread::sleep(Duration::from_millis(100));
                }
            })
        })
        .collect();
    let start = Instant::now();
    let mut redis = store.connect();
    for _ in 0..3 {
        assert_eq!(redis.get::<_, Vec<u8>>("large").unwrap().len(), value.len());
    }
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    drop(store);
    slow.into_iter().for_each(|reader| reader.join().unwrap());
}

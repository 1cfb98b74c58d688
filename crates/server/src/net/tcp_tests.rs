//! Connections over loopback, as a far end sees them.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;

use super::*;
use crate::net::bind_tcp;

const OPTIONS: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 2\r\n\r\nok";

fn limits() -> TcpLimits {
    TcpLimits {
        max_connections: 2,
        idle: Duration::from_secs(30),
        stalled: Duration::from_secs(30),
        connect: Duration::from_secs(5),
        max_queue_bytes: 10_000,
        message: MessageLimits::default(),
    }
}

async fn local<F: Future>(test: F) -> F::Output {
    LocalSet::new().run_until(test).await
}

fn listening(limits: TcpLimits) -> (TcpTransport, SocketAddr) {
    let mut transport = TcpTransport::new(limits);
    let listener = bind_tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    transport.listen(ListenerId(1), listener).unwrap();
    (transport, address)
}

async fn next(transport: &mut TcpTransport) -> TcpInput {
    loop {
        let input = transport.inputs().recv().await.unwrap();
        if let Some(input) = transport.handle_input(input) {
            return input;
        }
    }
}

async fn next_message(transport: &mut TcpTransport) -> (Hop, Bytes) {
    match next(transport).await {
        TcpInput::Message { hop, message } => (hop, message),
        other => panic!("not a message: {other:?}"),
    }
}

#[tokio::test]
async fn messages_are_cut_out_and_answers_find_their_connection() {
    local(async {
        let (mut transport, address) = listening(limits());
        let mut far = TcpStream::connect(address).await.unwrap();
        far.write_all(&OPTIONS[..30]).await.unwrap();
        far.write_all(&OPTIONS[30..]).await.unwrap();
        far.write_all(OPTIONS).await.unwrap();
        let (hop, message) = next_message(&mut transport).await;
        assert_eq!(message, OPTIONS);
        assert_eq!(
            (hop.remote, hop.listener),
            (far.local_addr().unwrap(), ListenerId(1))
        );
        assert_eq!(next_message(&mut transport).await.1, OPTIONS);
        transport.send(&hop, Bytes::from_static(b"answer")).unwrap();
        let by_address = Hop {
            connection: None,
            ..hop
        };
        transport
            .send(&by_address, Bytes::from_static(b"more"))
            .unwrap();
        let mut answer = [0; 10];
        far.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answermore");
        assert_eq!(
            (transport.stats().accepted, transport.stats().opened),
            (1, 0)
        );
    })
    .await;
}

#[tokio::test]
async fn a_ping_is_answered_and_the_end_of_the_stream_reported() {
    local(async {
        let (mut transport, address) = listening(limits());
        let mut far = TcpStream::connect(address).await.unwrap();
        far.write_all(b"\r\n\r\n").await.unwrap();
        let mut answer = [0; 2];
        tokio::select! {
            read = far.read_exact(&mut answer) => { read.unwrap(); }
            input = next(&mut transport) => panic!("{input:?}"),
        }
        assert_eq!(&answer, b"\r\n");
        drop(far);
        assert!(matches!(next(&mut transport).await, TcpInput::Closed { hop } if hop.connection.is_some()));
        assert_eq!(transport.stats().connections, 0);
    })
    .await;
}

#[tokio::test]
async fn a_hop_without_connection_gets_one() {
    local(async {
        let (mut transport, _) = listening(limits());
        let far = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hop = Hop {
            transport: Transport::Tcp,
            listener: ListenerId(1),
            remote: far.local_addr().unwrap(),
            connection: None,
        };
        transport.send(&hop, Bytes::from_static(b"one")).unwrap();
        transport.send(&hop, Bytes::from_static(b"two")).unwrap();
        let (mut stream, _) = far.accept().await.unwrap();
        let mut both = [0; 6];
        stream.read_exact(&mut both).await.unwrap();
        assert_eq!(&both, b"onetwo");
        assert_eq!(transport.stats().opened, 1);
        stream.write_all(OPTIONS).await.unwrap();
        assert_eq!(next_message(&mut transport).await.1, OPTIONS);
    })
    .await;
}

#[tokio::test]
async fn a_far_end_that_refuses_is_reported_by_the_hop_asked_for() {
    local(async {
        let (mut transport, _) = listening(limits());
        let gone = bind_tcp("127.0.0.1:0".parse().unwrap())
            .unwrap()
            .local_addr()
            .unwrap();
        let hop = Hop {
            transport: Transport::Tcp,
            listener: ListenerId(1),
            remote: gone,
            connection: Some(ConnectionId(77)),
        };
        transport.send(&hop, Bytes::from_static(b"lost")).unwrap();
        let mut hops = Vec::new();
        for _ in 0..2 {
            match next(&mut transport).await {
                TcpInput::Closed { hop } => hops.push(hop),
                other => panic!("{other:?}"),
            }
        }
        assert!(hops.contains(&hop));
        assert_eq!(transport.stats().connections, 0);
    })
    .await;
}

#[tokio::test]
async fn limits_close_connections_and_queues() {
    local(async {
        let (mut transport, address) = listening(limits());
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut far = TcpStream::connect(address).await.unwrap();
            far.write_all(OPTIONS).await.unwrap();
            kept.push((next_message(&mut transport).await.0, far));
        }
        let mut octet = [0; 1];
        let mut third = TcpStream::connect(address).await.unwrap();
        let read = tokio::select! {
            read = third.read(&mut octet) => read,
            input = next(&mut transport) => panic!("{input:?}"),
        };
        assert!(matches!(read, Ok(0) | Err(_)), "turned away");
        assert_eq!(transport.stats().refused, 1);
        let large = Bytes::from(vec![b'x'; 10_001]);
        assert!(transport.send(&kept[0].0, large).is_err());
        assert!(matches!(next(&mut transport).await, TcpInput::Closed { hop } if hop == kept[0].0));
        assert_eq!(
            (transport.stats().overflowed, transport.stats().connections),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn a_stream_without_framing_is_closed_after_the_answer() {
    local(async {
        let (mut transport, address) = listening(limits());
        let mut far = TcpStream::connect(address).await.unwrap();
        far.write_all(b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n")
            .await
            .unwrap();
        let (hop, status) = match next(&mut transport).await {
            TcpInput::Unframed { hop, status, .. } => (hop, status),
            other => panic!("{other:?}"),
        };
        assert_eq!(status, 400);
        transport.send(&hop, Bytes::from_static(b"400")).unwrap();
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"400");
        assert!(matches!(
            next(&mut transport).await,
            TcpInput::Closed { .. }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn silence_and_half_messages_end_a_connection() {
    for (text, reason) in [(&b""[..], 30), (&OPTIONS[..20], 7)] {
        local(async {
            let (mut transport, address) = listening(TcpLimits {
                stalled: Duration::from_secs(7),
                ..limits()
            });
            let mut far = TcpStream::connect(address).await.unwrap();
            far.write_all(text).await.unwrap();
            let begun = tokio::time::Instant::now();
            assert!(matches!(
                next(&mut transport).await,
                TcpInput::Closed { .. }
            ));
            assert_eq!(begun.elapsed().as_secs(), reason);
        })
        .await;
    }
}

//! The HTTP listener: `/healthz` and `/metrics`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use prometheus_client::registry::Registry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

use crate::metrics;
use crate::net;
use crate::signalling::Board;

/// Connections at one time; the next ones wait in the kernel. Descriptors are for
/// calls.
const MAX_CONNECTIONS: usize = 64;

/// Life of a connection, so that nobody who dribbles a request keeps a place.
const MAX_LIFE: Duration = Duration::from_secs(15);

#[derive(Clone)]
struct Shown {
    board: Arc<Board>,
    registry: Arc<Registry>,
}

/// Binds the listener.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    net::bind_tcp(address)
}

/// Answers requests for as long as it is polled. Must run in a runtime.
pub async fn serve(listener: TcpListener, board: Arc<Board>) -> io::Result<()> {
    serve_within(listener, board, MAX_CONNECTIONS, MAX_LIFE).await
}

async fn serve_within(
    listener: TcpListener,
    board: Arc<Board>,
    max_connections: usize,
    max_life: Duration,
) -> io::Result<()> {
    let listener = Doorman {
        listener: tokio::net::TcpListener::from_std(listener)?,
        places: Arc::new(Semaphore::new(max_connections)),
        max_life,
    };
    axum::serve(listener, router(board)).await
}

/// Lets in as many as there are places, each for a while.
struct Doorman {
    listener: tokio::net::TcpListener,
    places: Arc<Semaphore>,
    max_life: Duration,
}

impl Listener for Doorman {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let (stream, remote) = Listener::accept(&mut self.listener).await;
        let guest = Guest {
            stream,
            end: Box::pin(sleep(self.max_life)),
            _place: place.expect("nobody closes the semaphore"),
        };
        (guest, remote)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with a limited life.
struct Guest {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Guest {
    /// The stream, while it may live.
    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(cx)?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive(cx)?.poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn router(board: Arc<Board>) -> Router {
    let registry = Arc::new(metrics::registry(Arc::clone(&board)));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/metrics", get(show_metrics))
        .with_state(Shown { board, registry })
}

/// 200 while the server takes calls, 503 with the reason while it does not.
async fn healthz(State(shown): State<Shown>) -> impl IntoResponse {
    match shown.board.trouble() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")),
    }
}

async fn show_metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &shown.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn get_path(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn whoever_dribbles_loses_his_place() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let board = Arc::new(Board::new(Vec::new(), Arc::default()));
        let life = Duration::from_millis(50);
        let server = tokio::spawn(serve_within(listener, board, 1, life));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /healthz HTTP/1.1\r\nX: ")
            .await
            .unwrap();
        let answer = get_path(address, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(slow.read(&mut [0; 10]).await.unwrap_or(0), 0);
        server.abort();
    }

    #[tokio::test]
    async fn health_and_metrics_are_served() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let board = Arc::new(Board::new(Vec::new(), Arc::default()));
        let server = tokio::spawn(serve(listener, Arc::clone(&board)));
        assert!(
            get_path(address, "/healthz")
                .await
                .starts_with("HTTP/1.1 200")
        );
        assert!(
            get_path(address, "/metrics")
                .await
                .contains("strowger_calls_live 0")
        );
        assert!(get_path(address, "/else").await.starts_with("HTTP/1.1 404"));
        board.set_draining();
        let answer = get_path(address, "/healthz").await;
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.ends_with("draining\n"),
            "{answer}"
        );
        server.abort();
    }
}

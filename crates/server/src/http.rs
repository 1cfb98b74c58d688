//! The HTTP listener: `/healthz` and `/metrics`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::registry::Registry;

use crate::metrics;
use crate::net;
use crate::signalling::Board;

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
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router(board)).await
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
    use tokio::net::TcpStream;

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

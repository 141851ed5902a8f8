//! The requests: half of them REST, half GraphQL.

use std::net::SocketAddr;

use bench::demo::Server;
use serde_json::json;

/// The two requests, and where they are sent.
pub struct Requests {
    /// Where the server listens.
    pub address: SocketAddr,
    texts: [Vec<u8>; 2],
}

impl Requests {
    /// A customer on REST, the same one on GraphQL.
    pub fn new(server: &Server) -> Result<Self, std::net::AddrParseError> {
        let (address, key) = (server.address(), server.key());
        let body = json!({ "query": "{ customer(id: 1) { id email firstname lastname } }" }).to_string();
        let rest = format!(
            "GET /api/application/customers/1 HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\
             Authorization: Bearer {key}\r\n\r\n"
        );
        let graphql = format!(
            "POST /graphql HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(Self { address: address.parse()?, texts: [rest, graphql].map(String::into_bytes) })
    }

    /// One and the other in turn.
    pub fn nth(&self, number: usize) -> &[u8] {
        &self.texts[number % 2]
    }
}

//! The cases of the benchmark: requests, and the servers that they are sent to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::load::RequestSource;
use crate::server::{Server, ServerKind};
use crate::shop::CREATED_PREFIX;

/// A request, independent of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BenchRequest {
    /// A document of `peers/documents`, by its name.
    Document(&'static str),
    /// A document that is sent to guichet only: its name and its text.
    Text(&'static str, &'static str),
    /// A path of REST, in JSON.
    Get(&'static str),
    /// A path of REST, in XML.
    Xml(&'static str),
    /// Creation of a customer without a password, a different one each time.
    NewCustomer,
}

/// The servers of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ServerSet {
    /// guichet and the yardstick (`hand`).
    Hand,
    /// The peers too.
    Peers,
    /// guichet alone: two requests are compared.
    Alone,
}

/// A case of the benchmark.
pub struct Case {
    pub name: &'static str,
    pub asked: ServerSet,
    /// Whether its answer has a total or is a deep page, which guichet caches by default.
    pub counts: bool,
    /// The request, or the two that are compared, the more expensive one last.
    pub questions: &'static [BenchRequest],
}

const PAGE_OF_CUSTOMERS: &str = "/api/application/customers?page=5&per_page=25";
const SERVICES: [&str; 2] =
    [include_str!("services_page_1.graphql"), include_str!("services_page_2000.graphql")];

const SERVICES_OF_PRODUCTS: &str = include_str!("services_of_products.graphql");

/// Names of cases that have targets.
pub mod names {
    pub const Q1: &str = "q1 GraphQL";
    pub const Q2: &str = "q2 GraphQL";
    pub const Q4: &str = "q4 GraphQL";
    pub const Q5: &str = "q5 GraphQL";
    pub const CUSTOMER: &str = "q1 REST: one customer";
    pub const CUSTOMERS: &str = "q2 REST: 25 customers of page 5";
    pub const THOUSAND: &str = "1,000 customers, REST";
    pub const NEW: &str = "new customer, REST";
    pub const XML: &str = "25 customers, JSON and XML";
    pub const DEEP: &str = "25 services of page 1 and of page 2,000";
    pub const NESTED: &str = "25 services, and 25 products with 5 services each";
}

/// All cases.
pub const CASES: &[Case] = &[
    Case {
        name: names::Q1,
        asked: ServerSet::Peers,
        counts: false,
        questions: &[BenchRequest::Document("q1")],
    },
    Case {
        name: names::Q2,
        asked: ServerSet::Peers,
        counts: true,
        questions: &[BenchRequest::Document("q2")],
    },
    Case {
        name: names::Q4,
        asked: ServerSet::Peers,
        counts: false,
        questions: &[BenchRequest::Document("q4")],
    },
    Case {
        name: names::Q5,
        asked: ServerSet::Peers,
        counts: true,
        questions: &[BenchRequest::Document("q5")],
    },
    Case {
        name: names::CUSTOMER,
        asked: ServerSet::Hand,
        counts: false,
        questions: &[BenchRequest::Get("/api/application/customers/4321")],
    },
    Case {
        name: names::CUSTOMERS,
        asked: ServerSet::Hand,
        counts: true,
        questions: &[BenchRequest::Get(PAGE_OF_CUSTOMERS)],
    },
    Case {
        name: names::THOUSAND,
        asked: ServerSet::Hand,
        counts: false,
        questions: &[BenchRequest::Get("/api/application/customers?per_page=1000")],
    },
    Case {
        name: "25 products with prices, REST",
        asked: ServerSet::Hand,
        counts: false,
        questions: &[BenchRequest::Get("/api/application/products?per_page=25&include=pricing")],
    },
    Case {
        name: "one product, REST",
        asked: ServerSet::Hand,
        counts: false,
        questions: &[BenchRequest::Get("/api/application/products/321")],
    },
    Case { name: names::NEW, asked: ServerSet::Hand, counts: false, questions: &[BenchRequest::NewCustomer] },
    Case {
        name: names::XML,
        asked: ServerSet::Alone,
        counts: false,
        questions: &[BenchRequest::Get(PAGE_OF_CUSTOMERS), BenchRequest::Xml(PAGE_OF_CUSTOMERS)],
    },
    Case {
        name: names::DEEP,
        asked: ServerSet::Alone,
        counts: true,
        questions: &[
            BenchRequest::Text("page 1", SERVICES[0]),
            BenchRequest::Text("page 2,000", SERVICES[1]),
        ],
    },
    Case {
        name: names::NESTED,
        asked: ServerSet::Alone,
        counts: false,
        questions: &[
            BenchRequest::Text("services", SERVICES[0]),
            BenchRequest::Text("products with services", SERVICES_OF_PRODUCTS),
        ],
    },
];

impl Case {
    /// Whether the case is sent to a server.
    pub fn includes(&self, kind: ServerKind) -> bool {
        match kind {
            ServerKind::Guichet => true,
            ServerKind::GuichetCounting => self.counts,
            ServerKind::Hand => self.asked != ServerSet::Alone,
            ServerKind::HandCounting => self.counts && self.asked != ServerSet::Alone,
            _ => self.asked == ServerSet::Peers,
        }
    }
}

impl BenchRequest {
    /// Its label beside another request.
    pub fn label(self) -> &'static str {
        match self {
            Self::Document(name) | Self::Text(name, _) => name,
            Self::Get(_) | Self::NewCustomer => "JSON",
            Self::Xml(_) => "XML",
        }
    }

    /// The request for a server.
    pub fn of(self, server: &Server) -> RequestSource {
        let key = &server.key;
        let head = format!("Host: 127.0.0.1:{}\r\nAuthorization: Bearer {key}\r\n", server.port);
        let ask = |text: String| RequestSource::same(server.port, text);
        match self {
            Self::Get(path) => ask(format!("GET {path} HTTP/1.1\r\n{head}Accept: application/json\r\n\r\n")),
            Self::Xml(path) => ask(format!("GET {path} HTTP/1.1\r\n{head}Accept: application/xml\r\n\r\n")),
            Self::Document(name) => {
                ask(post("/graphql", &head, &json!({ "query": document(name, server.kind) })))
            }
            Self::Text(_, text) => ask(post("/graphql", &head, &json!({ "query": text }))),
            Self::NewCustomer => RequestSource::each(server.port, move || {
                post("/api/application/customers", &head, &new_customer())
            }),
        }
    }
}

fn post(path: &str, head: &str, body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\n{head}Accept: application/json\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// PostGraphile has documents of its own.
fn document(name: &str, kind: ServerKind) -> &'static str {
    macro_rules! documents {
        ($($name:literal),*) => {
            match (name, kind) {
                $(
                    ($name, ServerKind::PostGraphile) => {
                        include_str!(concat!("../peers/documents/postgraphile/", $name, ".graphql"))
                    }
                    ($name, _) => include_str!(concat!("../peers/documents/", $name, ".graphql")),
                )*
                _ => panic!("there is no document {name}"),
            }
        };
    }
    documents!("q1", "q2", "q4", "q5")
}

/// The body for a customer that does not exist yet.
fn new_customer() -> serde_json::Value {
    static MADE_SO_FAR: AtomicU64 = AtomicU64::new(0);
    let number = MADE_SO_FAR.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    json!({
        "firstname": "Camille",
        "lastname": "Mesure",
        "email": format!("{CREATED_PREFIX}{now}-{number}@example.com"),
        "address": "12 rue de la Paix",
        "city": "Lyon",
        "zipcode": "69001",
        "region": "Rhône",
        "country": "FR",
        "locale": "fr_FR",
    })
}

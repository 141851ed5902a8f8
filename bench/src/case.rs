//! What is asked, and of whom.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::load::Ask;
use crate::server::{Kind, Server};
use crate::shop::MADE;

/// A question, whomever it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A document of `peers/documents`, by its name.
    Document(&'static str),
    /// A document that only guichet is asked: what it is called, and its text.
    Text(&'static str, &'static str),
    /// A path of REST, in JSON.
    Get(&'static str),
    /// A path of REST, in XML.
    Xml(&'static str),
    /// A new customer without a password, another one each time.
    NewCustomer,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// guichet and the yardstick.
    Hand,
    /// The peers too.
    Peers,
    /// guichet alone: one question is held against another one.
    Alone,
}

/// Something that is measured.
pub struct Case {
    pub name: &'static str,
    pub asked: Asked,
    /// Whether its answer has a total or is a deep page, of which guichet remembers something by default.
    pub counts: bool,
    /// The question, or the two that are held against each other, the dearer one last.
    pub questions: &'static [Question],
}

const PAGE_OF_CUSTOMERS: &str = "/api/application/customers?page=5&per_page=25";
const SERVICES: [&str; 2] =
    [include_str!("services_page_1.graphql"), include_str!("services_page_2000.graphql")];

/// Names that targets are about.
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
}

/// All cases.
pub const CASES: &[Case] = &[
    Case { name: names::Q1, asked: Asked::Peers, counts: false, questions: &[Question::Document("q1")] },
    Case { name: names::Q2, asked: Asked::Peers, counts: true, questions: &[Question::Document("q2")] },
    Case { name: names::Q4, asked: Asked::Peers, counts: false, questions: &[Question::Document("q4")] },
    Case { name: names::Q5, asked: Asked::Peers, counts: true, questions: &[Question::Document("q5")] },
    Case {
        name: names::CUSTOMER,
        asked: Asked::Hand,
        counts: false,
        questions: &[Question::Get("/api/application/customers/4321")],
    },
    Case {
        name: names::CUSTOMERS,
        asked: Asked::Hand,
        counts: true,
        questions: &[Question::Get(PAGE_OF_CUSTOMERS)],
    },
    Case {
        name: names::THOUSAND,
        asked: Asked::Hand,
        counts: false,
        questions: &[Question::Get("/api/application/customers?per_page=1000")],
    },
    Case {
        name: "25 products with prices, REST",
        asked: Asked::Hand,
        counts: false,
        questions: &[Question::Get("/api/application/products?per_page=25&include=pricing")],
    },
    Case {
        name: "one product, REST",
        asked: Asked::Hand,
        counts: false,
        questions: &[Question::Get("/api/application/products/321")],
    },
    Case { name: names::NEW, asked: Asked::Hand, counts: false, questions: &[Question::NewCustomer] },
    Case {
        name: names::XML,
        asked: Asked::Alone,
        counts: false,
        questions: &[Question::Get(PAGE_OF_CUSTOMERS), Question::Xml(PAGE_OF_CUSTOMERS)],
    },
    Case {
        name: names::DEEP,
        asked: Asked::Alone,
        counts: true,
        questions: &[Question::Text("page 1", SERVICES[0]), Question::Text("page 2,000", SERVICES[1])],
    },
];

impl Case {
    /// Whether a server is asked.
    pub fn asks(&self, kind: Kind) -> bool {
        match kind {
            Kind::Guichet => true,
            Kind::GuichetCounting => self.counts,
            Kind::Hand => self.asked != Asked::Alone,
            Kind::HandCounting => self.counts && self.asked != Asked::Alone,
            _ => self.asked == Asked::Peers,
        }
    }
}

impl Question {
    /// What it is called beside another question.
    pub fn label(self) -> &'static str {
        match self {
            Self::Document(name) | Self::Text(name, _) => name,
            Self::Get(_) | Self::NewCustomer => "JSON",
            Self::Xml(_) => "XML",
        }
    }

    /// The question to a server.
    pub fn of(self, server: &Server) -> Ask {
        let key = &server.key;
        let head = format!("Host: 127.0.0.1:{}\r\nAuthorization: Bearer {key}\r\n", server.port);
        let ask = |text: String| Ask::same(server.port, text);
        match self {
            Self::Get(path) => ask(format!("GET {path} HTTP/1.1\r\n{head}Accept: application/json\r\n\r\n")),
            Self::Xml(path) => ask(format!("GET {path} HTTP/1.1\r\n{head}Accept: application/xml\r\n\r\n")),
            Self::Document(name) => {
                ask(post("/graphql", &head, &json!({ "query": document(name, server.kind) })))
            }
            Self::Text(_, text) => ask(post("/graphql", &head, &json!({ "query": text }))),
            Self::NewCustomer => {
                Ask::each(server.port, move || post("/api/application/customers", &head, &new_customer()))
            }
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
fn document(name: &str, kind: Kind) -> &'static str {
    macro_rules! documents {
        ($($name:literal),*) => {
            match (name, kind) {
                $(
                    ($name, Kind::PostGraphile) => {
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

/// A customer whom nobody has made yet.
fn new_customer() -> serde_json::Value {
    static MADE_SO_FAR: AtomicU64 = AtomicU64::new(0);
    let number = MADE_SO_FAR.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    json!({
        "firstname": "Camille",
        "lastname": "Mesure",
        "email": format!("{MADE}{now}-{number}@example.com"),
        "address": "12 rue de la Paix",
        "city": "Lyon",
        "zipcode": "69001",
        "region": "Rhône",
        "country": "FR",
        "locale": "fr_FR",
    })
}

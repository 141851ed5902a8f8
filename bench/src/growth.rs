//! How cost grows: the documents `q1` to `q5` in shops of 10,000, 100,000 and 1,000,000 customers, with the indexes of the
//! original's schema and with further ones.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::case::CASES;
use crate::case::names::{Q1, Q2, Q4, Q5};
use crate::chart;
use crate::database::Database;
use crate::machine;
use crate::measure::{self, Effort};
use crate::options::Options;
use crate::server::{Server, ServerKind};
use crate::shop::Shop;

/// Customers of the shops, each ten times as many as those of the one before.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];
const QUESTIONS: [&str; 4] = [Q1, Q2, Q4, Q5];
const EFFORT: Effort =
    Effort { rounds: 3, round: Duration::from_millis(500), warm_up: Duration::from_millis(300), starts: 1 };

/// A table that grows: its name, its columns that refer to rows of tables that grow, and its unique columns.
struct Grown {
    table: &'static str,
    references: &'static [(&'static str, &'static str)],
    unique: &'static [&'static str],
    /// Unique columns that copies leave empty.
    nulled: &'static [&'static str],
}

const GROWN: [Grown; 5] = [
    Grown { table: "customers", references: &[], unique: &["email"], nulled: &[] },
    Grown {
        table: "invoices",
        references: &[("customer_id", "customers")],
        unique: &["invoice_number"],
        nulled: &["uuid", "external_id"],
    },
    Grown {
        table: "services",
        references: &[("customer_id", "customers"), ("invoice_id", "invoices")],
        unique: &[],
        nulled: &[],
    },
    Grown { table: "invoice_items", references: &[("invoice_id", "invoices")], unique: &[], nulled: &[] },
    Grown {
        table: "support_tickets",
        references: &[("customer_id", "customers")],
        unique: &[],
        nulled: &["uuid"],
    },
];

/// The cost of one question: a line of `growth.csv`.
struct Cost {
    database: String,
    customers: u64,
    further: bool,
    question: String,
    /// Microseconds of CPU of the server, and of the database.
    server: f64,
    database_cpu: f64,
    /// Milliseconds within which half of the requests were answered.
    p50: f64,
}

/// Measures on each database, and keeps each figure, the page and its chart if that is asked for. Figures that were kept before
/// stay until they are measured again.
///
/// # Errors
/// When a database or the server does not answer, or the files cannot be written.
pub fn run(options: &Options) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut kept = Kept { file: options.write.then(|| folder.join("growth.csv")), costs: Vec::new() };
    kept.read();
    let databases = if options.only_page { &[][..] } else { &options.databases[..] };
    for database in databases {
        let name = database.name();
        on(*database, options.quick, &mut kept).map_err(|error| format!("{name}: {error}"))?;
    }
    let page = format!(
        "# How cost grows\n\nWritten by `target/release/bench --growth --write` (`README.md` explains the columns), whose figures stand in \
         `growth.csv`.\n\n{}\n\n![CPU of server and database for one request](growth.svg)\n{}",
        machine::description(&[], false),
        tables(&kept.costs)
    );
    println!("{page}");
    if options.write {
        fs::write(folder.join("GROWTH.md"), page).map_err(|error| error.to_string())?;
        fs::write(folder.join("growth.svg"), drawn(&kept.costs)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// All figures, and the file that keeps them, if one does.
struct Kept {
    file: Option<PathBuf>,
    costs: Vec<Cost>,
}

impl Kept {
    fn read(&mut self) {
        let text = self.file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        text.lines().filter_map(Cost::read).for_each(|cost| self.put(cost));
    }

    /// Puts a figure in its place, and an earlier one away.
    fn put(&mut self, cost: Cost) {
        self.costs.retain(|known| known.key() != cost.key());
        self.costs.push(cost);
        self.costs.sort_by(|one, other| one.key().cmp(&other.key()));
    }

    /// Keeps a figure.
    fn add(&mut self, cost: Cost) -> Result<(), String> {
        self.put(cost);
        let Some(file) = &self.file else { return Ok(()) };
        let lines: String = self.costs.iter().map(Cost::line).collect();
        fs::write(file, lines).map_err(|error| error.to_string())
    }
}

impl Cost {
    fn key(&self) -> (&str, u64, bool, &str) {
        (&self.database, self.customers, self.further, &self.question)
    }

    fn line(&self) -> String {
        let Self { database, customers, further, question, server, database_cpu, p50 } = self;
        format!("{database},{customers},{further},{question},{server:.0},{database_cpu:.0},{p50:.2}\n")
    }

    fn read(line: &str) -> Option<Self> {
        let [database, customers, further, question, server, database_cpu, p50] =
            line.split(',').collect::<Vec<_>>()[..]
        else {
            return None;
        };
        Some(Self {
            database: database.to_owned(),
            customers: customers.parse().ok()?,
            further: further.parse().ok()?,
            question: question.to_owned(),
            server: server.parse().ok()?,
            database_cpu: database_cpu.parse().ok()?,
            p50: p50.parse().ok()?,
        })
    }
}

fn on(database: Database, quick: bool, kept: &mut Kept) -> Result<(), String> {
    let failed = |error: sqlx::Error| error.to_string();
    let mut shop = Shop::prepare_named(database, "guichet_growth").map_err(failed)?;
    let sizes = if quick { &SIZES[..2] } else { &SIZES[..] };
    let already = shop.number("COUNT(*)", "customers").map_err(failed)?;
    // A shop that an earlier run has grown is measured as it is.
    for customers in sizes.iter().filter(|customers| **customers >= already) {
        shop.set_indexes(None, false).map_err(failed)?;
        grow_to(&mut shop, *customers).map_err(failed)?;
        for further in [false, true] {
            if further {
                shop.set_indexes(None, true).map_err(failed)?;
            }
            measure_all(&mut shop, *customers, further, kept)?;
        }
    }
    shop.close();
    Ok(())
}

/// Multiplies the rows until there are so many customers.
fn grow_to(shop: &mut Shop, customers: u64) -> Result<(), sqlx::Error> {
    while shop.number("COUNT(*)", "customers")? < customers {
        let begun = Instant::now();
        let mut strides = Vec::new();
        for grown in &GROWN {
            strides.push((grown.table, shop.number("MAX(id)", grown.table)?));
        }
        shop.run(unchecked(shop.database))?;
        for grown in &GROWN {
            shop.run(&multiply(shop.database, grown, &strides))?;
        }
        shop.analyze()?;
        eprintln!(
            "{}: ten times as many rows in {:.0} s",
            shop.database.name(),
            begun.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Foreign keys hold in what is written: they are not looked up.
fn unchecked(database: Database) -> &'static str {
    match database {
        Database::MySql => "SET foreign_key_checks = 0, unique_checks = 0",
        Database::Postgres => "SET session_replication_role = replica",
        Database::Sqlite => "PRAGMA foreign_keys = OFF",
    }
}

/// The statement that writes nine copies of each row of a table. Keys are moved by multiples of the greatest one.
fn multiply(database: Database, grown: &Grown, strides: &[(&str, u64)]) -> String {
    let stride =
        |table: &str| strides.iter().find(|(name, _)| *name == table).map_or(0, |(_, stride)| *stride);
    let copied = |column: &str, quoted: &str| {
        let reference = grown.references.iter().find(|(reference, _)| *reference == column);
        Some(match reference {
            _ if column == "id" => format!("id + copies.n * {}", stride(grown.table)),
            Some((_, table)) => format!("{quoted} + copies.n * {}", stride(table)),
            None if grown.nulled.contains(&column) => return None,
            None if grown.unique.contains(&column) => {
                database.joined(&["copies.n", &format!("'-{}-'", stride(grown.table)), quoted])
            }
            None => quoted.to_owned(),
        })
    };
    let copies: Vec<String> = (1..10).map(|n| format!("SELECT {n} AS n")).collect();
    format!("{} CROSS JOIN ({}) AS copies", database.copy(grown.table, copied), copies.join(" UNION ALL "))
}

fn measure_all(shop: &mut Shop, customers: u64, further: bool, kept: &mut Kept) -> Result<(), String> {
    let server = Server::start(ServerKind::GuichetCounting, shop, 1)?;
    for case in CASES.iter().filter(|case| QUESTIONS.contains(&case.name)) {
        let guichet = measure::measure_one(case, &server, shop, EFFORT);
        let cost = Cost {
            database: shop.database.name().to_owned(),
            customers,
            further,
            question: case.name.to_owned(),
            server: guichet.median(|sample| sample.server),
            database_cpu: guichet.median(|sample| sample.database),
            p50: guichet.median(|sample| sample.p50),
        };
        eprint!("{}", cost.line());
        kept.add(cost)?;
    }
    Ok(())
}

fn tables(costs: &[Cost]) -> String {
    let mut text = String::new();
    for database in Database::ALL {
        if !costs.iter().any(|cost| cost.database == database.name()) {
            continue;
        }
        let _ = write!(text, "\n## {}\n\n", database.name());
        text.push_str("| Question | Customers | server µs | database µs | p50 ms | database µs, further indexes | p50 ms, further indexes |\n|---|---|---|---|---|---|---|\n");
        let mut own: Vec<&Cost> =
            costs.iter().filter(|cost| cost.database == database.name() && !cost.further).collect();
        own.sort_by_key(|cost| (&cost.question, cost.customers));
        for own in own {
            let key = (&*own.database, own.customers, true, &*own.question);
            let further = costs.iter().find(|cost| cost.key() == key);
            let (cpu, p50) = further.map_or((f64::NAN, f64::NAN), |cost| (cost.database_cpu, cost.p50));
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} | {:.0} | {:.2} | {cpu:.0} | {p50:.2} |",
                own.question, own.customers, own.server, own.database_cpu, own.p50
            );
        }
    }
    text
}

const WIDTH: f64 = 900.0;
const PANEL: f64 = 210.0;
const HEIGHT: f64 = 170.0;
/// The chart's scale: from 10 µs to 100 s, by powers of ten.
const POWERS: f64 = 7.0;
const STYLE: &str = "\
    text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:#737d88}\
    .title{font-size:15px;font-weight:600}.panel{font-weight:600}line{stroke:#737d88;stroke-opacity:.25}\
    polyline{fill:none;stroke-width:2}.own{stroke:#e8590c}.further{stroke:#4c8dd6}.server{stroke:#8c959f;stroke-dasharray:4 3}";

/// A panel for each database and question: CPU over customers, both by powers of ten.
fn drawn(costs: &[Cost]) -> String {
    let databases: Vec<Database> = Database::ALL
        .into_iter()
        .filter(|database| costs.iter().any(|cost| cost.database == database.name()))
        .collect();
    let height = 60.0 + databases.len() as f64 * (HEIGHT + 50.0);
    let mut body = String::new();
    for (row, database) in databases.iter().enumerate() {
        for (column, question) in QUESTIONS.iter().enumerate() {
            let (left, top) = (50.0 + column as f64 * PANEL, 80.0 + row as f64 * (HEIGHT + 50.0));
            let _ = writeln!(
                body,
                "<text class=\"panel\" x=\"{left}\" y=\"{}\">{} {question}</text>",
                top - 10.0,
                database.name()
            );
            scale(left, top, column == 0, &mut body);
            let of = |further: bool| {
                costs.iter().filter(move |cost| {
                    cost.database == database.name() && cost.question == **question && cost.further == further
                })
            };
            let whole = |cost: &Cost| cost.server + cost.database_cpu;
            line("server", of(false).map(|cost| (cost.customers, cost.server)), left, top, &mut body);
            line("own", of(false).map(|cost| (cost.customers, whole(cost))), left, top, &mut body);
            line("further", of(true).map(|cost| (cost.customers, whole(cost))), left, top, &mut body);
        }
    }
    let title = "CPU for one request over the number of customers: server and database";
    let note = "orange: the original's indexes; blue: with further ones; dashed: the server alone; both axes by powers of ten";
    chart::frame((WIDTH, height), STYLE, title, note, &body)
}

/// The lines of the scale.
fn scale(left: f64, top: f64, has_labels: bool, out: &mut String) {
    for (power, label) in
        ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"].iter().enumerate()
    {
        let y = top + HEIGHT * (1.0 - power as f64 / POWERS);
        let _ =
            writeln!(out, "<line x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", left + PANEL - 30.0);
        if has_labels {
            let _ = writeln!(
                out,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                left - 6.0,
                y + 4.0
            );
        }
    }
    for (at, label) in ["10k", "100k", "1M"].iter().enumerate() {
        let x = left + at as f64 * (PANEL - 30.0) / 2.0;
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            top + HEIGHT + 16.0
        );
    }
}

fn line(class: &str, points: impl Iterator<Item = (u64, f64)>, left: f64, top: f64, out: &mut String) {
    let at = |(customers, cpu): (u64, f64)| {
        let x = left + ((customers as f64).log10() - 4.0) * (PANEL - 30.0) / 2.0;
        let y = top + HEIGHT * (1.0 - (cpu.max(10.0).log10() - 1.0) / POWERS);
        format!("{x:.1},{y:.1}")
    };
    let points: Vec<String> = points.map(at).collect();
    let _ = writeln!(out, "<polyline class=\"{class}\" points=\"{}\"/>", points.join(" "));
}

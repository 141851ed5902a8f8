//! The chart for README: CPU of the server for one request, by question and server.

use std::fmt::Write as _;

use crate::case::names::{Q1, Q2, Q4, Q5};
use crate::results::Run;
use crate::server::ServerKind;

/// The cases, and their descriptions.
const PANELS: [(&str, &str); 4] = [
    (Q1, "One customer"),
    (Q2, "A page of 25 customers, with the total"),
    (Q4, "10 customers, their services, products, invoices and items"),
    (Q5, "The 25 newest active services, with the total"),
];
/// The servers, and their bars.
const BARS: [(ServerKind, &str, &str); 5] = [
    (ServerKind::Guichet, "guichet", "own"),
    (ServerKind::Hand, "by hand, axum and sqlx", "hand"),
    (ServerKind::Mercurius, "Mercurius, JIT", "peer"),
    (ServerKind::Apollo, "Apollo Server", "peer"),
    (ServerKind::PostGraphile, "PostGraphile", "peer"),
];
const WIDTH: f64 = 820.0;
const LABELS: f64 = 165.0;
/// Room behind the longest bar for its figure.
const FIGURES: f64 = 80.0;
const BAR: f64 = 15.0;
const STEP: f64 = 21.0;
const HEAD: f64 = 62.0;
/// Colours that are readable on light and dark backgrounds, since the background is not known.
const STYLE: &str = "\
    text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;fill:#737d88}\
    .title{font-size:15px;font-weight:600}.panel,.strong{font-weight:600}.strong,.own{fill:#e8590c}\
    .hand{fill:#8c959f}.peer{fill:#4c8dd6}";

/// A bar: its server's name and class, and the figure.
struct Bar {
    name: &'static str,
    class: &'static str,
    cpu: f64,
}

/// The chart of a run as SVG; `None` where none of its cases were measured.
pub fn svg(run: &Run) -> Option<String> {
    let panels: Vec<(&str, Vec<Bar>)> = PANELS
        .iter()
        .map(|(case, title)| (*title, bars(run, case)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    if panels.is_empty() {
        return None;
    }
    let mut body = String::new();
    let mut top = HEAD;
    for (title, bars) in &panels {
        draw(title, bars, top, &mut body);
        top += height(bars);
    }
    let title =
        format!("CPU of the server for one request on {}, microseconds: less is better", run.database.name());
    let note = "guichet and the server written by hand check keys and limits; the others know neither";
    Some(frame((WIDTH, top), STYLE, &title, note, &body))
}

/// An SVG with a title and a note above its body.
pub fn frame((width, height): (f64, f64), style: &str, title: &str, note: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{title}\">\n<style>{style}</style>\n\
         <text class=\"title\" x=\"0\" y=\"18\">{title}</text>\n\
         <text x=\"0\" y=\"38\">{note}</text>\n\
         {body}</svg>\n"
    )
}

fn bars(run: &Run, case: &str) -> Vec<Bar> {
    let bar = |(kind, name, class): (ServerKind, &'static str, &'static str)| {
        let cpu = run.of(case, kind)?.median(|sample| sample.server);
        Some(Bar { name, class, cpu })
    };
    BARS.into_iter().filter_map(bar).collect()
}

fn height(bars: &[Bar]) -> f64 {
    22.0 + bars.len() as f64 * STEP + 18.0
}

/// Draws a case. Each case has a scale of its own.
fn draw(title: &str, bars: &[Bar], top: f64, out: &mut String) {
    let most = bars.iter().map(|bar| bar.cpu).fold(1.0, f64::max);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<text class=\"panel\" x=\"0\" y=\"{}\">{title}</text>", top + 12.0);
    for (at, bar) in bars.iter().enumerate() {
        let y = top + 22.0 + at as f64 * STEP;
        let width = (WIDTH - LABELS - FIGURES) * bar.cpu / most;
        let (end, base) = (LABELS + width + 7.0, y + BAR - 3.0);
        let (name, class, cpu) = (bar.name, bar.class, thousands(bar.cpu));
        let strong = if class == "own" { " class=\"strong\"" } else { "" };
        let _ = writeln!(
            out,
            "<text{strong} x=\"{}\" y=\"{base}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <text{strong} x=\"{end:.1}\" y=\"{base}\">{cpu}</text>",
            LABELS - 10.0
        );
    }
}

/// A whole number with a comma between thousands.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    if digits.len() <= 3 {
        return digits;
    }
    let (high, low) = digits.split_at(digits.len() - 3);
    format!("{high},{low}")
}

//! Rules that the compiler does not check: a module imports only from floors below it, nothing outside of the folder of a
//! resource names it, and what comments and pages cite exists.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The floors of `src/`, from the top. Each may import from those below it, and from the crates.
const FLOORS: [&str; 8] =
    ["command", "server", "resource", "scope", "access", "shop", "database", "platform"];
/// The crates of the workspace that `facade` may use. It must not depend on a table.
const BELOW_THE_ENGINE: [&str; 1] = ["value"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let is_code = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    every_file(folder).into_iter().filter(is_code).collect()
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file without line comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names that follow `parent::` in paths, also in groups of imports.
fn names_in<'c>(parent: &str, code: &'c str) -> Vec<&'c str> {
    let mut names = Vec::new();
    for rest in code.split(&format!("{parent}::")).skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => {
                let (mut depth, mut start) = (0, true);
                for (at, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ if start && letter.is_alphabetic() => {
                            names.push(word(&group[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
            None => names.push(word(rest)),
        }
    }
    names
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    &text[..end]
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == name)
}

#[test]
fn imports_point_downwards() {
    let src = root().join("src");
    let mut seen = 0;
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(own) = floor(first) else {
            assert!(matches!(first, "lib" | "main"), "{first} is on no floor");
            continue;
        };
        let code = code(&path);
        for name in names_in("crate", &code) {
            let Some(other) = floor(name) else { continue };
            seen += 1;
            assert!(other >= own, "{} imports from `{name}`, which is above it", inside.display());
        }
    }
    assert!(seen > 200, "few imports were found: {seen}");
}

/// The names of the resources.
fn resources() -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join("src/resource")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A new resource is its folder and a line in `resources!`: other code takes the resources from that list.
#[test]
fn nothing_outside_names_a_resource() {
    let (src, resources) = (root().join("src"), resources());
    for path in sources(&src) {
        let inside = path.strip_prefix(&src).unwrap().to_str().unwrap();
        if inside.starts_with("resource/") {
            continue;
        }
        let code = code(&path);
        let named: Vec<&str> =
            names_in("resource", &code).into_iter().filter(|name| resources.contains(*name)).collect();
        assert!(named.is_empty(), "{inside} names {named:?}");
    }
    assert!(resources.len() > 10, "few resources were found: {resources:?}");
}

/// A maker that is not declared makes nothing, without any error.
#[test]
fn makers_of_rows_are_declared() {
    for resource in resources() {
        let folder = root().join("src/resource").join(&resource);
        let declared = code(&folder.join("mod.rs"));
        for maker in ["demo", "seed"] {
            let there = folder.join(format!("{maker}.rs")).exists() || folder.join(maker).is_dir();
            assert_eq!(there, declared.contains(&format!("pub mod {maker};")), "{maker} of {resource}");
        }
    }
}

/// Cargo checks what a crate may use; this test explains why a new line in its manifest is refused.
#[test]
fn the_engine_stands_on_no_table() {
    let manifest = std::fs::read_to_string(root().join("facade/Cargo.toml")).unwrap();
    for own in ["allocator", "entity", "guichet", "migration", "value"] {
        let uses = manifest.lines().any(|line| line.starts_with(&format!("{own}.")));
        assert_eq!(uses, BELOW_THE_ENGINE.contains(&own), "facade and {own}");
    }
}

/// The main file of a folder of modules is always `mod.rs`.
#[test]
fn a_folder_of_modules_is_named_by_its_mod_rs() {
    for folder in ["src", "facade/src", "value/src", "entity/src", "migration/src"] {
        for path in sources(&root().join(folder)) {
            let folder = path.with_extension("");
            let holds_modules = folder.is_dir() && !sources(&folder).is_empty();
            assert!(!holds_modules, "{} stands beside the folder of its name", path.display());
        }
    }
}

/// What a comment cites of the contract is there for its reader.
#[test]
fn citations_of_the_contract_lead_somewhere() {
    let mut seen = 0;
    for folder in ["src", "facade", "value", "entity", "migration", "tests"] {
        for path in every_file(&root().join(folder)) {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for cited in text.split("docs/contract/").skip(1) {
                let end = |letter: char| !(letter.is_alphanumeric() || "-_.#".contains(letter));
                let cited = &cited[..cited.find(end).unwrap_or(cited.len())];
                let Some((page, anchor)) = cited.trim_end_matches('.').split_once('#') else { continue };
                seen += 1;
                let text =
                    std::fs::read_to_string(root().join("docs/contract").join(page)).unwrap_or_default();
                let there = text.contains(&format!("<a id=\"{anchor}\"></a>"));
                assert!(there, "{} cites docs/contract/{page}#{anchor}, which is not there", path.display());
            }
        }
    }
    assert!(seen > 100, "few citations were found: {seen}");
}

/// A page's text without its blocks of code, whose lines are neither headings nor links.
fn prose(page: &Path) -> String {
    let text = std::fs::read_to_string(page).unwrap();
    let mut in_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The anchor that a heading has on GitHub.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn has_anchor(page: &Path, wanted: &str) -> bool {
    let text = prose(page);
    let headings = text.lines().filter_map(|line| line.split_once("# "));
    let mut headings = headings.filter(|(level, _)| level.chars().all(|letter| letter == '#'));
    headings.any(|(_, heading)| anchor(heading) == wanted)
        || text.contains(&format!("<a id=\"{wanted}\"></a>"))
}

/// Every page of the project, those of installed packages left out.
fn pages() -> Vec<PathBuf> {
    let is_page = |path: &PathBuf| {
        let is_installed = path.iter().any(|folder| folder == "node_modules");
        path.extension().is_some_and(|extension| extension == "md") && !is_installed
    };
    let of_root = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let folders = ["docs", "facade", "tests", "bench"];
    let below = folders.into_iter().flat_map(|folder| every_file(&root().join(folder)));
    of_root.chain(below).filter(is_page).collect()
}

#[test]
fn links_of_pages_lead_somewhere() {
    let mut seen = 0;
    for page in pages() {
        for link in prose(&page).split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            seen += 1;
            let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{} links {link}, which is not there", page.display());
            let is_there = wanted.is_empty() || has_anchor(&target, wanted);
            assert!(is_there, "{} links {link}, which has no such heading", page.display());
        }
    }
    assert!(seen > 100, "few links were found: {seen}");
}

/// Whether a word of code is the path of a file of this repository, without letters that stand for others.
fn names_a_file(word: &str) -> bool {
    const FOLDERS: &str = ".cargo .ci allocator bench docs entity facade migration src tests value";
    let is_in_repository =
        word.split_once('/').is_some_and(|(first, _)| FOLDERS.split(' ').any(|folder| folder == first));
    let is_plain = word.chars().all(|letter| letter.is_alphanumeric() || "-_./".contains(letter));
    is_in_repository && is_plain && !word.contains("NAME")
}

/// Pages name files from the root of the repository or from their own folder.
#[test]
fn files_that_pages_name_are_there() {
    let mut seen = 0;
    // A file that is gone stays in the changelog.
    for page in pages().into_iter().filter(|page| !page.ends_with("CHANGELOG.md")) {
        let text = prose(&page);
        let in_code = text.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
        for named in in_code.filter(|word| names_a_file(word)) {
            seen += 1;
            let is_there = root().join(named).exists() || page.parent().unwrap().join(named).exists();
            assert!(is_there, "{} names {named}, which is not there", page.display());
        }
    }
    assert!(seen > 300, "few names were found: {seen}");
}

/// What is known of settings and of variables of tests: the code that reads them.
fn readers_of_variables() -> String {
    let by_name = ["src/platform/config/setting/list.rs", ".ci/run"].map(|file| root().join(file));
    let tests = every_file(&root().join("tests")).into_iter();
    let tests = tests.filter(|file| file.extension().is_none_or(|extension| extension != "md"));
    let readable = by_name.into_iter().chain(tests).filter_map(|file| std::fs::read_to_string(file).ok());
    readable.collect::<Vec<_>>().join("\n")
}

#[test]
fn settings_that_pages_name_are_read() {
    let readers = readers_of_variables();
    let mut seen = BTreeSet::new();
    // A setting that is gone stays in the changelog.
    for page in pages().into_iter().filter(|page| !page.ends_with("CHANGELOG.md")) {
        for rest in std::fs::read_to_string(&page).unwrap().split("GUICHET_").skip(1) {
            let name = format!("GUICHET_{}", word(rest));
            let is_read = readers.split(&name).skip(1).any(|behind| word(behind).is_empty());
            assert!(is_read, "{} names {name}, which nothing reads", page.display());
            seen.insert(name);
        }
    }
    assert!(seen.len() > 50, "few settings were found: {seen:?}");
}

/// mdBook leaves out pages that the summary does not name.
#[test]
fn every_page_is_in_the_summary() {
    let docs = root().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    for page in pages().iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        let Ok(path) = page.strip_prefix(&docs) else { continue };
        let is_there = summary.contains(&format!("({})", path.display()));
        assert!(is_there, "docs/SUMMARY.md has no line for {}", path.display());
    }
}

/// Names with a file behind them, such as `Rest::serve` (`facade/src/rest/mod.rs`), are in that file.
#[test]
fn functions_that_pages_name_are_in_their_files() {
    let page = prose(&root().join("docs/architecture.md"));
    let mut seen = 0;
    for (before, after) in
        page.match_indices("` (`").map(|(at, mark)| (&page[..at], &page[at + mark.len()..]))
    {
        let Some((file, _)) = after.split_once('`').filter(|(file, _)| file.ends_with(".rs")) else {
            continue;
        };
        let name = before.rsplit(['`', ':']).next().unwrap().trim_end_matches('!');
        if name.contains('/') {
            continue;
        }
        let code = std::fs::read_to_string(root().join(file)).unwrap_or_else(|_| panic!("no file {file}"));
        let declared = ["fn", "struct", "enum", "trait", "type", "const", "macro_rules!", "for"];
        let is_there = declared.iter().any(|kind| {
            let declaration = format!("{kind} {name}");
            let mut behind = code.split(&declaration).skip(1);
            behind.any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        });
        assert!(is_there, "docs/architecture.md names `{name}` of {file}, which does not declare it");
        seen += 1;
    }
    assert!(seen > 20, "few names were found: {seen}");
}

/// What the reference shows of guichet's own macros is no doctest of the engine; it quotes the code.
#[test]
fn quotations_of_the_reference_are_in_the_code() {
    let reference = std::fs::read_to_string(root().join("docs/reference.md")).unwrap();
    let mut seen = 0;
    for block in reference.split("\n```rust,ignore\n// ").skip(1) {
        let (file, lines) = block.split_once("```").unwrap().0.split_once('\n').unwrap();
        let code = std::fs::read_to_string(root().join(file)).unwrap();
        for line in lines.lines() {
            assert!(code.contains(line), "docs/reference.md quotes of {file}, which has no line: {line}");
        }
        seen += 1;
    }
    assert_eq!(seen, 3, "blocks that are no doctests name the file that they quote");
    assert_eq!(reference.matches("```rust,ignore").count(), seen);
}

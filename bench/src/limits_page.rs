//! `docs/limits.md`: each binary writes its own part, between two comments, and keeps the others'.

use std::path::PathBuf;
use std::{fs, io};

const HEAD: &str = "# What attacks and load cost\n";

/// Replaces a part of the page; one that is not there yet comes at the end.
///
/// # Errors
/// When the page cannot be written.
pub fn write(part: &str, text: &str) -> io::Result<()> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
    fs::create_dir_all(&folder)?;
    let file = folder.join("limits.md");
    let page = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
        page => page?,
    };
    fs::write(file, replaced(&page, part, text))
}

fn replaced(page: &str, part: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->\n"));
    let own = format!("{begin}\n{}\n\n{end}", text.trim());
    let found = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    match found {
        Some((before, after)) => format!("{before}{own}{after}"),
        None => format!("{}\n\n{own}", page.trim_end()),
    }
}

/// The build and the machine that figures are of.
pub fn measured_on() -> String {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let about = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or("an unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{build} build, {cores} cores of {model}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_added_and_replaced() {
        let page = replaced(HEAD, "attacks", "one");
        let page = replaced(&page, "load", "two");
        let page = replaced(&page, "attacks", "three\n");
        assert_eq!(
            page,
            format!(
                "{HEAD}\n<!-- attacks -->\n\nthree\n\n<!-- end of attacks -->\n\n\
                 <!-- load -->\n\ntwo\n\n<!-- end of load -->\n"
            )
        );
    }
}

//! The connections that a server on this machine has open.

use std::collections::HashSet;
use std::{fs, io};

/// Open in both directions, as `/proc/net/tcp` writes it.
const ESTABLISHED: &str = "01";

/// The clients' ports of the connections to a port that the server has not closed, including connections that wait
/// to be accepted.
pub fn held(server: u16) -> io::Result<HashSet<u16>> {
    let table = fs::read_to_string("/proc/net/tcp")?;
    Ok(table.lines().skip(1).filter_map(|line| client(line, server)).collect())
}

/// The client's port in a line about the server's side of a connection.
fn client(line: &str, server: u16) -> Option<u16> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let port = |field: &str| u16::from_str_radix(field.rsplit(':').next()?, 16).ok();
    let (local, remote) = (port(fields.get(1)?)?, port(fields.get(2)?)?);
    // A socket that its process has closed has no inode.
    let open = *fields.get(3)? == ESTABLISHED || *fields.get(9)? != "0";
    (local == server && remote != 0 && open).then_some(remote)
}

//! MariaDB's `EXPLAIN`: a line for each table. Lines of one `SELECT` are the loops of a join, the outermost first.

use sea_orm::{DbErr, QueryResult};

use super::Plan;

struct Line {
    select: Option<u64>,
    kind: String,
    table: String,
    access: String,
    key: String,
    rows: u64,
    extra: String,
}

/// A table of fewer rows is read whole because that is quicker than by its index.
const FEW_ROWS: u64 = 100;

pub(super) fn read(rows: &[QueryResult], is_limited: bool) -> Result<(Plan, String), DbErr> {
    let lines = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let told = lines.iter().map(Line::told).collect();
    let sorts = lines.iter().any(|line| line.extra.contains("filesort"));
    let mut plan = Plan { sorts, ..Plan::default() };
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.reads_all()) {
        let is_inner =
            lines[..at].iter().any(|before| before.select == line.select && !before.is_single_row());
        if (is_inner || line.is_repeated()) && line.rows >= FEW_ROWS {
            plan.repeats = Some(line.told().trim().to_owned());
        } else if is_limited && !sorts {
            plan.walks = true;
        } else {
            plan.scans.push(line.table.clone());
        }
    }
    Ok((plan, told))
}

impl Line {
    fn reads_all(&self) -> bool {
        // `<derived2>` and `<subquery3>` are rows that were made before.
        ["ALL", "index"].contains(&self.access.as_str()) && !self.table.starts_with('<')
    }

    fn is_repeated(&self) -> bool {
        self.kind.contains("DEPENDENT") || self.kind.contains("UNCACHEABLE")
    }

    fn is_single_row(&self) -> bool {
        ["const", "system"].contains(&self.access.as_str())
    }

    fn told(&self) -> String {
        let Self { kind, table, access, key, rows, extra, .. } = self;
        format!("{kind} {table} {access} {key} {rows} {extra}\n")
    }
}

fn line(row: &QueryResult) -> Result<Line, DbErr> {
    let text = |name| Ok::<String, DbErr>(row.try_get::<Option<String>>("", name)?.unwrap_or_default());
    Ok(Line {
        select: row.try_get("", "id")?,
        kind: text("select_type")?,
        table: text("table")?,
        access: text("type")?,
        key: text("key")?,
        rows: number(row)?,
        extra: text("Extra")?,
    })
}

/// The number of rows; in some answers MariaDB writes it as text.
fn number(row: &QueryResult) -> Result<u64, DbErr> {
    if let Ok(number) = row.try_get::<Option<u64>>("", "rows") {
        return Ok(number.unwrap_or_default());
    }
    let text = row.try_get::<Option<String>>("", "rows")?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or_default())
}

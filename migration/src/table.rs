//! The words in which the tables are described; [`crate::ddl`] turns them into SQL.

/// One table: columns in their order, and the indexes over several of them.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) indexes: Vec<Index>,
    /// Indexes that the original's schema lacks.
    pub(crate) further: Vec<FurtherIndex>,
}

/// An index that the original's schema lacks, for what people ask of a large shop.
pub(crate) struct FurtherIndex {
    pub(crate) name: &'static str,
    /// The columns, each with ` desc` where its greatest value comes first.
    pub(crate) columns: &'static [&'static str],
    /// What it is for.
    pub(crate) helps: &'static str,
}

/// An index over columns; one column's own index is a matter of the [`Column`].
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) unique: bool,
}

/// What a column holds, whatever a database calls it.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Id,
    Reference,
    Int,
    Unsigned,
    Tiny,
    Flag,
    Varchar(u16),
    Uuid,
    Text,
    LongText,
    Json,
    Choice(&'static [&'static str]),
    Timestamp,
    DateTime,
    Date,
    Float,
    Double,
    DoubleUnsigned,
    Decimal(u8, u8),
}

impl Kind {
    /// Most characters of a text.
    pub(crate) fn max_length(self) -> Option<usize> {
        Some(match self {
            Self::Varchar(length) => length.into(),
            Self::Uuid => 36,
            Self::Text => 65_535,
            Self::LongText | Self::Json => u32::MAX as usize,
            Self::Choice(words) => words.iter().map(|word| word.len()).max()?,
            _ => return None,
        })
    }
}

/// What happens to a row when the row it refers to is deleted.
#[derive(Clone, Copy)]
pub(crate) enum OnDelete {
    Cascade,
    SetNull,
    Restrict,
}

/// A foreign key to the `id` of another table.
pub(crate) struct Reference {
    pub(crate) table: &'static str,
    pub(crate) on_delete: OnDelete,
    /// Set where Laravel's own name is not in use, mostly because it is too long.
    pub(crate) name: Option<&'static str>,
}

/// A column's own index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyed {
    No,
    Primary,
    Unique,
    Indexed,
}

/// One column.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) null: bool,
    pub(crate) default: Option<&'static str>,
    pub(crate) generated: Option<&'static str>,
    pub(crate) keyed: Keyed,
    pub(crate) reference: Option<Reference>,
}

impl Table {
    /// Adds a unique index.
    pub(crate) fn unique(self, name: &str, columns: &[&'static str]) -> Self {
        self.with_index(name, columns, true)
    }

    /// Adds an index that is not unique.
    pub(crate) fn index(self, name: &str, columns: &[&'static str]) -> Self {
        self.with_index(name, columns, false)
    }

    /// Adds an index that the original's schema lacks, and says what it is for.
    pub(crate) fn further(
        mut self,
        name: &'static str,
        columns: &'static [&'static str],
        helps: &'static str,
    ) -> Self {
        self.further.push(FurtherIndex { name, columns, helps });
        self
    }

    fn with_index(mut self, name: &str, columns: &[&'static str], unique: bool) -> Self {
        self.indexes.push(Index { name: name.to_owned(), columns: columns.to_vec(), unique });
        self
    }

    /// Every index besides the primary key and those that MariaDB makes for foreign keys by itself.
    pub(crate) fn all_indexes(&self) -> Vec<Index> {
        let own = self.columns.iter().filter_map(|column| column.own_index(self.name));
        own.chain(self.indexes.iter().map(Index::copy)).collect()
    }
}

impl Index {
    fn copy(&self) -> Self {
        Self { name: self.name.clone(), columns: self.columns.clone(), unique: self.unique }
    }
}

impl Column {
    fn new(name: &'static str, kind: Kind) -> Self {
        let (null, default, generated, keyed, reference) = (false, None, None, Keyed::No, None);
        Self { name, kind, null, default, generated, keyed, reference }
    }

    /// May be empty.
    pub(crate) fn null(mut self) -> Self {
        self.null = true;
        self
    }

    /// Has a value where none is given; numbers and flags as text too.
    pub(crate) fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Is computed from other columns.
    pub(crate) fn generated(mut self, expression: &'static str) -> Self {
        self.null = true;
        self.generated = Some(expression);
        self
    }

    /// Is the primary key.
    pub(crate) fn primary(mut self) -> Self {
        self.keyed = Keyed::Primary;
        self
    }

    /// Is unique within the table.
    pub(crate) fn unique(mut self) -> Self {
        self.keyed = Keyed::Unique;
        self
    }

    /// Has an index.
    pub(crate) fn indexed(mut self) -> Self {
        self.keyed = Keyed::Indexed;
        self
    }

    /// Refers to a table; rows go with the row they refer to.
    pub(crate) fn cascades(self, table: &'static str) -> Self {
        self.refers(table, OnDelete::Cascade)
    }

    /// Refers to a table; becomes null when that row goes.
    pub(crate) fn sets_null(self, table: &'static str) -> Self {
        self.refers(table, OnDelete::SetNull)
    }

    /// Refers to a table; that row can not go before this one.
    pub(crate) fn restricts(self, table: &'static str) -> Self {
        self.refers(table, OnDelete::Restrict)
    }

    fn refers(mut self, table: &'static str, on_delete: OnDelete) -> Self {
        self.reference = Some(Reference { table, on_delete, name: None });
        self
    }

    /// Names the foreign key where it is not `<table>_<column>_foreign`.
    pub(crate) fn named(mut self, name: &'static str) -> Self {
        if let Some(reference) = &mut self.reference {
            reference.name = Some(name);
        }
        self
    }

    fn own_index(&self, table: &str) -> Option<Index> {
        let (suffix, unique) = match self.keyed {
            Keyed::Unique => ("unique", true),
            Keyed::Indexed => ("index", false),
            Keyed::No | Keyed::Primary => return None,
        };
        let name = format!("{table}_{}_{suffix}", self.name);
        Some(Index { name, columns: vec![self.name], unique })
    }
}

/// Begins the description of a table.
pub(crate) fn table<const N: usize>(name: &'static str, columns: [Column; N]) -> Table {
    Table { name, columns: columns.into(), indexes: Vec::new(), further: Vec::new() }
}

/// The key that counts up by itself.
pub(crate) fn id() -> Column {
    Column::new("id", Kind::Id).primary()
}

/// When the row was made; Laravel fills it.
pub(crate) fn created_at() -> Column {
    timestamp("created_at").null()
}

/// When the row was last changed; Laravel fills it.
pub(crate) fn updated_at() -> Column {
    timestamp("updated_at").null()
}

/// When the row was deleted softly.
pub(crate) fn deleted_at() -> Column {
    timestamp("deleted_at").null()
}

/// Whether customers see the record and may order it.
pub(crate) fn status() -> Column {
    choice("status", &["active", "hidden", "unreferenced"]).default("active")
}

/// One of the given words.
pub(crate) fn choice(name: &'static str, words: &'static [&'static str]) -> Column {
    Column::new(name, Kind::Choice(words))
}

/// Text of at most `length` characters.
pub(crate) fn varchar(name: &'static str, length: u16) -> Column {
    Column::new(name, Kind::Varchar(length))
}

/// Text of at most 255 characters.
pub(crate) fn string(name: &'static str) -> Column {
    varchar(name, 255)
}

/// A number with a fixed count of digits, `scale` of them after the point.
pub(crate) fn decimal(name: &'static str, digits: u8, scale: u8) -> Column {
    Column::new(name, Kind::Decimal(digits, scale))
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $function:ident => $kind:ident;)*) => {
        $($(#[$doc])* pub(crate) fn $function(name: &'static str) -> Column {
            Column::new(name, Kind::$kind)
        })*
    };
}

kinds! {
    /// The `id` of a row of another table, with or without a foreign key.
    reference => Reference;
    /// A whole number of 32 bits.
    int => Int;
    /// A whole number of 32 bits, zero or more.
    unsigned => Unsigned;
    /// A whole number up to 255.
    tiny => Tiny;
    /// Yes or no.
    flag => Flag;
    /// A UUID as text of 36 characters.
    uuid => Uuid;
    /// Text of at most 64 KiB.
    text => Text;
    /// Text of any length.
    long_text => LongText;
    /// JSON as text.
    json => Json;
    /// A local time to the second.
    timestamp => Timestamp;
    /// A local time to the second, with the wider range of MariaDB's `datetime`.
    datetime => DateTime;
    /// A day.
    date => Date;
    /// A floating-point number of single precision.
    float => Float;
    /// A floating-point number of double precision.
    double => Double;
    /// A floating-point number of double precision, zero or more.
    double_unsigned => DoubleUnsigned;
}

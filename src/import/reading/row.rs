//! What every format comes down to: rows of cells.

/// What spreadsheets show in a cell whose formula failed, also after it was exported as text.
const ERRORS: [&str; 11] = [
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#SPILL!",
    "#CALC!",
    "#ERROR!",
    "#GETTING_DATA",
];

/// A row of a file.
#[derive(Debug, Clone)]
pub(in crate::import) struct Row {
    /// The line on which it begins, or the sheet's row: the first is 1.
    pub(in crate::import) number: u32,
    /// Its cells, which may be fewer or more than the header's.
    pub(in crate::import) content: Content,
}

/// What a row holds.
#[derive(Debug, Clone)]
pub(in crate::import) enum Content {
    /// Cells.
    Cells(Vec<Cell>),
    /// A line that opens a quotation and never closes it: what stands between its delimiters. Where its cells really
    /// end nobody knows.
    UnclosedQuote(Vec<Cell>),
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::import) enum Cell {
    /// A text, trimmed; empty if the cell is.
    Text(String),
    /// The mark of a failed formula.
    Error(String),
}

impl Cell {
    /// The cell that shows this text.
    pub(in crate::import) fn showing(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with('#') && ERRORS.contains(&text) {
            Self::Error(text.to_owned())
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// What the cell shows.
    pub(in crate::import) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Error(text) => text,
        }
    }
}

impl Row {
    /// A row of cells.
    pub(in crate::import) fn of(number: u32, cells: Vec<Cell>) -> Self {
        Self { number, content: Content::Cells(cells) }
    }

    /// Its cells, none if it is broken.
    pub(in crate::import) fn cells(&self) -> &[Cell] {
        match &self.content {
            Content::Cells(cells) => cells,
            Content::UnclosedQuote(_) => &[],
        }
    }

    /// What the cell of a column shows; nothing where the row is too short.
    pub(in crate::import) fn text(&self, column: usize) -> &str {
        self.cells().get(column).map_or("", Cell::as_str)
    }

    /// Whether it opens a quotation and never closes it.
    pub(in crate::import) fn is_unclosed(&self) -> bool {
        matches!(self.content, Content::UnclosedQuote(_))
    }

    /// With at most one cell more than as many columns: the last beyond them in which anything stands. The row is refused for
    /// it, and still is when it comes back among the rejects.
    pub(in crate::import) fn narrowed(mut self, columns: usize) -> Self {
        let (Content::Cells(cells) | Content::UnclosedQuote(cells)) = &mut self.content;
        if cells.len() > columns {
            let beyond = cells.split_off(columns);
            let last = beyond.into_iter().rev().find(|cell| !cell.as_str().is_empty());
            cells.push(last.unwrap_or_else(|| Cell::Text(String::new())));
        }
        self
    }

    /// Whether there is nothing in it.
    pub(in crate::import) fn is_blank(&self) -> bool {
        match &self.content {
            Content::Cells(cells) => cells.iter().all(|cell| cell.as_str().is_empty()),
            Content::UnclosedQuote(_) => false,
        }
    }
}

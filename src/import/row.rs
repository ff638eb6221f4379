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
pub(super) struct Row {
    /// The line on which it begins, or the sheet's row: the first is 1.
    pub(super) number: u32,
    /// Its cells, which may be fewer or more than the header's.
    pub(super) content: Content,
}

/// What a row holds.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Cells.
    Cells(Vec<Cell>),
    /// A line that opens a quotation and never closes it.
    UnclosedQuote,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// A text, trimmed; empty if the cell is.
    Text(String),
    /// The mark of a failed formula.
    Error(String),
}

impl Cell {
    /// The cell that shows this text.
    pub(super) fn showing(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with('#') && ERRORS.contains(&text) {
            Self::Error(text.to_owned())
        } else {
            Self::Text(text.to_owned())
        }
    }

    /// What the cell shows.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Error(text) => text,
        }
    }
}

impl Row {
    /// A row of cells.
    pub(super) fn of(number: u32, cells: Vec<Cell>) -> Self {
        Self { number, content: Content::Cells(cells) }
    }

    /// Its cells, none if it is broken.
    pub(super) fn cells(&self) -> &[Cell] {
        match &self.content {
            Content::Cells(cells) => cells,
            Content::UnclosedQuote => &[],
        }
    }

    /// What the cell of a column shows; nothing where the row is too short.
    pub(super) fn text(&self, column: usize) -> &str {
        self.cells().get(column).map_or("", Cell::as_str)
    }

    /// Whether there is nothing in it.
    pub(super) fn is_blank(&self) -> bool {
        match &self.content {
            Content::Cells(cells) => cells.iter().all(|cell| cell.as_str().is_empty()),
            Content::UnclosedQuote => false,
        }
    }
}

//! What the benches share: a PostgreSQL that keeps its word, the machine's name, and figures with their spread.

pub mod cluster;
pub mod machine;

/// The value below which this share of the sorted values lies.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The same figure from several rounds.
#[derive(Debug, Clone, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Adds a round's figure.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    /// `median [min–max]`.
    pub fn show(&self, digits: usize) -> String {
        let (min, max) = (self.0[0], self.0[self.0.len() - 1]);
        format!("{:.digits$} [{min:.digits$}–{max:.digits$}]", self.median())
    }
}

/// Prints a Markdown table.
pub fn print_table(head: &[&str], rows: &[Vec<String>]) {
    println!("| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
    println!();
}

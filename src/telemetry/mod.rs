//! What operators see of a node: figures that a Prometheus server fetches ([`Meters`]), and traces that a collector is sent
//! ([`Tracer`]). Every figure has its one name in
//! [`names`]; what is counted is said where it happens, by one line.
//!
//! It owns neither the page (`http`) nor what the figures are looked up from. Figures hold no number, no name, no token and
//! no id of anybody: labels are words of the program's own, and as many of them as the program has.

mod exporter;
mod meters;
pub mod names;
mod traces;

pub use exporter::{BadCollector, Collector, start as start_exporter};
pub use meters::{Level, Meters, Waits};
pub use traces::{Part, Said, Tracer};

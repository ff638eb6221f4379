//! Reading and normalising, without a server and a database.

use std::fs::File;

use outdial::clock::Stopwatch;
use outdial::domain::phone::Region;
use outdial::import::{Options, Source};

use super::list::List;

/// Rows a second.
pub fn read(list: &List) -> f64 {
    let watch = Stopwatch::start();
    let file = File::open(&list.path).expect("the list");
    let options = Options::for_region(Region::US);
    let opened = outdial::import::open(Source::File(file), &options).expect("a list");
    let account = opened.read(&mut |_| Ok(())).expect("an account");
    let seconds = watch.elapsed().as_secs_f64();
    assert_eq!(account.imported, list.rows as usize, "rows of a clean list were refused");
    f64::from(list.rows) / seconds
}

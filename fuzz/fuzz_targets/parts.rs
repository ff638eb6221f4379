//! Workbooks by their parts.

#![no_main]

libfuzzer_sys::fuzz_target!(init: outdial_fuzz::forgive_calamine(), |bytes: &[u8]| outdial_fuzz::parts(bytes));

//! What may stand in the column of the numbers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| outdial_fuzz::phone(bytes));

//! The pages in a real browser: Debian's Chromium, as somebody uses it who sees, reads and presses, on the real program with
//! the simulator as Twilio. What is on a page is found by its label, its role and its text, as a person finds it.
//!
//! Each of these tests ends with [`page::Page::end`], which finds what somebody would only find in the browser's console:
//! errors, requests that failed or went elsewhere, and what keeps people from using the page.

mod admin;
mod campaign;
mod docs;
mod driver;
mod edit;
mod fields;
mod home;
mod named;
mod new;
mod page;
mod pages;
mod part;
mod sign_in;
mod verdict;

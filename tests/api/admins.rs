//! Admins: from the invitation to the last sign-out, by the console's forms and by the API.

mod enrolled;
mod forged;
mod matrix;
mod pages;
mod sign_in;
mod team;

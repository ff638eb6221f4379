//! What strangers, and the careless, must not be able to do: read secrets and people's data where they do not belong,
//! hold the server up, or change more of the database than the program itself may.

mod canaries;
mod roles;
mod strain;

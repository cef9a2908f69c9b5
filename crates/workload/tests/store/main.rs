//! The store over TCP, as clients see it.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod clients;
mod commands;
#[cfg(test)]
mod process;
#[cfg(test)]
mod recipient;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tools;

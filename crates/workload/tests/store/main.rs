//! The store over TCP, as clients see it.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod full_volume;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod process;
#[cfg(test)]
mod recipient;
#[cfg(test)]
mod small_volume;
#[cfg(test)]
mod store_process;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tools;

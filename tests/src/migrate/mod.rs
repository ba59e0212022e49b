//! What the tests of migrations share: databases that the program migrates and the test looks into, the program itself,
//! an application's migrations, and a brake to hold a migration at a place.

mod application;
mod brake;
mod database;
mod outsider;
mod program;
mod shop;
mod wait;

pub use application::{Application, SHOP, SHOP_HEAD};
pub use brake::Brake;
pub use database::{Database, Kind};
pub use outsider::{Outsider, set_mode};
pub use program::{Output, Running};
pub use shop::Shop;
pub use wait::{until, within};

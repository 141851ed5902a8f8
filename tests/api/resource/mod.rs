//! Behaviour of resources that the recordings do not cover.
//!
//! | Module | Holds |
//! |---|---|
//! | [`actor`] | `me`: whose key or session it is, its abilities and limits |
//! | [`cancellation_reasons`] | cancellation reasons: their documented paths, how often each was picked, changes |
//! | [`coupons`] | coupons: whole and partial changes, products, dates, prices, deletions |
//! | [`customers`] | customers |
//! | [`departments`] | departments: their permission, their tickets, deletions |
//! | [`descriptions`] | HTML of products and groups: what is refused, and what is stored as it was sent |
//! | [`documented`] | behaviour that only the contract documents |
//! | [`groups`] | the tree, its prices, its pictures, and deletions that go through |
//! | [`logs`] | the log of actions: secrets, persons who are gone, deep pages |
//! | [`money`] | amounts, prices with tax, lists by price, and writing prices in a currency |
//! | [`pricings`] | the prices of one thing, older bodies, nested prices |
//! | [`products`] | products |
//! | [`servers`] | servers: access data and its keys, what holds them, the test of a connection |
//! | [`services`] | services |
//! | [`sessions`] | signing in and out, and what a session may do |
//! | [`statistics`] | figures compared with statements of their own, and the licence |
//! | [`subdomains`] | subdomain hosts: their lists, the dot, domains that are taken |
//! | [`tickets`] | tickets: who sees which, files, due dates, and many callers at the same time |
//! | [`viewer`] | what a customer sees: no data of other customers |

pub(crate) mod actor;
pub(crate) mod cancellation_reasons;
pub(crate) mod coupons;
pub(crate) mod customers;
pub(crate) mod departments;
pub(crate) mod descriptions;
pub(crate) mod documented;
pub(crate) mod groups;
pub(crate) mod logs;
pub(crate) mod money;
pub(crate) mod pricings;
pub(crate) mod products;
pub(crate) mod servers;
pub(crate) mod services;
pub(crate) mod sessions;
pub(crate) mod statistics;
pub(crate) mod subdomains;
pub(crate) mod tickets;
pub(crate) mod viewer;

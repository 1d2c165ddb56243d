//! The front door: what anybody may cost before a handler is asked.
//!
//! * [`entrances`] - the sockets that are listened on.
//! * [`server`] - how a connection comes in, plain or with TLS.
//! * [`connection`] - one connection: its place in the crowd, and the deadline for its next request.
//! * [`clients`] - who a request comes from, proxies considered.
//! * [`front_door`] - what every request passes: limits by address, the deadline for its body.
//! * [`rates`] - allowances by address.
//! * [`body_deadline`] - a body that has to come in time.
//! * [`tls`] - the certificate, and another one when its files change.
//!
//! Only `app` calls this room. It knows paths of both wings by name, but neither wing.

pub mod body_deadline;
pub mod clients;
pub mod connection;
pub mod entrances;
pub mod front_door;
pub mod rates;
pub mod server;
pub mod tls;

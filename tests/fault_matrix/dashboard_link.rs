//! Dashboard to bridge: one of three dashboards comes through the proxy and fails; the others must not notice.

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::cells::{Kind, Moment};
use crate::support::AGENT;
use crate::support::bridge::Bridge;
use crate::support::caller::Caller;
use crate::support::dashboard::{Dashboard, Update, id};
use crate::support::fault_proxy::{Culprit, Fault, FaultProxy, Plan};
use crate::support::socket::Closing;
use crate::support::symbl_server::SymblServer;
use crate::support::wait::{wait_until, within};
use crate::support::witness::Witness;

/// The dashboards that do not fail: the witness's and one more.
const OTHERS: u64 = 2;
/// More calls than the kernels' buffers can hold the updates of.
const MOST_CALLS: usize = 400;
const AT_STARTED: &str = r#""type":"connection_started""#;
const AT_STOPPED: &str = r#""type":"connection_stopped""#;

pub(crate) async fn play(fault: Kind, moment: Moment) -> String {
    let server = SymblServer::start().await;
    let settings = crate::settings(&server.base_url())
        .set("BRIDGE__UPDATES__PING_MS", "1500")
        .set("BRIDGE__HTTP__PEER_TIMEOUT_MS", "2000");
    let bridge = settings.start().await;
    let mut witness = Witness::start(&bridge, &server).await;
    let other = Dashboard::join(&bridge).await;
    wait_until("the live leg", || other.updates().len() == 1).await;
    let link = DashboardLink { bridge: &bridge, fault: fault.as_fault() };
    let outcome = witness.during(async |dashboard| link.play(moment, dashboard).await).await;
    let updates = witness.ends_whole(bridge).await;
    let (seen_by_the_other, closing) = other.closed().await;
    assert_eq!(closing, Closing::Code(1001), "the other dashboard at shutdown");
    // Both saw the same; the other one joined when the witness's call was up already.
    assert_eq!(values(&seen_by_the_other[1..]), values(&updates[1..]));
    let ids: Vec<u64> = updates.iter().map(id).collect();
    let first = ids[0];
    assert_eq!(ids, (first..first + updates.len() as u64).collect::<Vec<_>>(), "every update, in order");
    outcome
}

fn values(updates: &[Update]) -> Vec<&Value> {
    updates.iter().map(|update| &update.value).collect()
}

struct DashboardLink<'a> {
    bridge: &'a Bridge,
    fault: Fault,
}

impl DashboardLink<'_> {
    async fn play(&self, moment: Moment, healthy: &Dashboard) -> String {
        let small_window = self.fault == Fault::StopReading;
        let proxy = FaultProxy::start(self.bridge.address, Culprit::Client, small_window, 11).await;
        proxy.plan([match moment {
            Moment::BeforeStart => Plan::from_the_beginning(self.fault),
            Moment::MidSpeech => Plan::at_text(self.fault, AT_STARTED),
            Moment::AtStop => Plan::at_text(self.fault, AT_STOPPED),
        }]);
        if matches!(self.fault, Fault::Refuse | Fault::SilentAccept) {
            return self.without_a_socket(&proxy, healthy).await;
        }
        let faulty = Dashboard::join_at(proxy.address, "/symbl/updates").await;
        let mut calls = 0;
        self.one_call(healthy).await;
        if self.is_endured() {
            wait_until("every update at the slow dashboard", || {
                let (seen, expected) = (faulty.updates(), healthy.updates());
                seen.len() == expected.len() && values(&seen[1..]) == values(&expected[1..])
            })
            .await;
            assert_eq!(proxy.strikes(), 1, "strikes");
            return "every update".to_string();
        }
        // One that reads nothing holds out until the kernels' buffers are full.
        while self.fault == Fault::StopReading && !self.is_dropped() {
            self.one_call(healthy).await;
            calls += 1;
            assert!(calls < MOST_CALLS, "a dashboard that reads nothing was kept");
        }
        wait_until("the faulty dashboard to be dropped", || self.is_dropped()).await;
        assert_eq!(proxy.strikes(), 1, "strikes");
        self.one_call(healthy).await;
        match self.fault {
            // The way back was open: it saw everything, and then why it had to go.
            Fault::SilentUpgrade => {
                assert_eq!(faulty.closed().await.1, Closing::Code(1008));
                "closed with 1008".to_string()
            }
            Fault::StopReading | Fault::HalfOpen => "dropped".to_string(),
            _ => "gone".to_string(),
        }
    }

    fn is_endured(&self) -> bool {
        matches!(self.fault, Fault::ByteByByte | Fault::Jitter | Fault::SlowLink)
    }

    fn is_dropped(&self) -> bool {
        self.bridge.events("dashboard_left").iter().any(|line| line["dashboards"] == OTHERS)
    }

    async fn one_call(&self, healthy: &Dashboard) {
        let mut call = Caller::new(AGENT).call(self.bridge, "?room=watched").await;
        call.speak(2).await;
        healthy.wait_for("connection_started", &call.caller.call_sid).await;
        call.hang_up(self.bridge).await;
        healthy.wait_for("connection_stopped", &call.caller.call_sid).await;
    }

    /// The dashboard never gets as far as its handshake.
    async fn without_a_socket(&self, proxy: &FaultProxy, healthy: &Dashboard) -> String {
        let mut connection = TcpStream::connect(proxy.address).await.expect("connects to the proxy");
        wait_until("the fault", || proxy.strikes() == 1).await;
        self.one_call(healthy).await;
        let mut said = Vec::new();
        let _ = within("the end of the connection", connection.read_to_end(&mut said)).await;
        assert!(self.bridge.events("dashboard_joined").len() as u64 == OTHERS, "it never joined");
        "gone".to_string()
    }
}

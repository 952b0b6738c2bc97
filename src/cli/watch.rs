//! Flags by which a run is watched.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;

/// How a run is watched.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchArgs {
    /// Serve a live page, metrics for Prometheus and the newest results over HTTP while the run lasts;
    /// anyone who reaches the address can read them. A port alone is one of this machine only (127.0.0.1); to
    /// be reached from others give an address of this machine, like 0.0.0.0:9185
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    pub http: Option<HttpAddress>,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAddress(pub SocketAddr);

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<HttpAddress, String> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let port: u16 = port.parse().map_err(|_| format!("{port:?} is no port"))?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare == host && host.contains(':') {
            return Err("put an address of IPv6 in brackets, like [::1]:9185".into());
        }
        let address = match bare {
            "" if host.is_empty() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => bare.parse().map_err(|_| {
                format!("{host:?} is no address: give an IP address, localhost, or a port alone")
            })?,
        };
        Ok(HttpAddress(SocketAddr::new(address, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        for (text, address) in [
            ("9185", "127.0.0.1:9185"),
            (":9185", "127.0.0.1:9185"),
            ("localhost:0", "127.0.0.1:0"),
            ("127.0.0.1:9185", "127.0.0.1:9185"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]:9185", "[::1]:9185"),
            ("[::]:9185", "[::]:9185"),
        ] {
            assert_eq!(text.parse(), Ok(HttpAddress(address.parse().unwrap())), "{text}");
        }
        for (text, word) in [
            ("", "no port"),
            ("x", "no port"),
            ("127.0.0.1", "no port"),
            ("65536", "no port"),
            ("[]:1", "no address"),
            ("example.org:80", "no address"),
            ("::1", "brackets"),
            ("::1:9185", "brackets"),
        ] {
            let why = text.parse::<HttpAddress>().unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}

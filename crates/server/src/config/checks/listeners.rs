//! `[[sip.listeners]]`, and the media addresses that follow from them.

use std::net::{IpAddr, SocketAddr};

use strowger_sip::transport::Transport;
use strowger_switch::config::{Listener, MediaAddress, MediaAddressId};

use super::super::file::{ListenerSection, TransportName};
use super::super::settings::MediaSettings;
use super::Checks;

/// Listeners at one time; a port range is bound for each of their addresses.
const MAX_LISTENERS: usize = 64;

impl Checks<'_> {
    pub(super) fn listeners(
        &mut self,
        sections: &[ListenerSection],
        media: &MediaSettings,
    ) -> (Vec<Listener>, Vec<MediaAddress>) {
        if sections.is_empty() || sections.len() > MAX_LISTENERS {
            let count = sections.len();
            self.wrong("sip.listeners", format!("{count} listeners"))
                .expected = Some(format!(
                "1 to {MAX_LISTENERS} tables [[sip.listeners]] with `transport` and `address`"
            ));
        }
        let mut listeners: Vec<Listener> = Vec::new();
        let mut addresses: Vec<MediaAddress> = Vec::new();
        let mut indices: Vec<usize> = Vec::new();
        for (index, section) in sections.iter().enumerate() {
            let Some((local, advertised)) = self.addresses(index, section) else {
                continue;
            };
            let transport = match section.transport {
                TransportName::Udp => Transport::Udp,
                TransportName::Tcp => Transport::Tcp,
            };
            let mut listener = Listener {
                transport,
                local,
                advertised,
                media_address: MediaAddressId(0),
            };
            if let Some(other) = listeners.iter().position(|other| clash(other, &listener)) {
                self.twice(index, indices[other], &listener);
                continue;
            }
            self.outside_of_media(index, &listener, media);
            listener.media_address = self.media_address(index, &listener, &mut addresses);
            listeners.push(listener);
            indices.push(index);
        }
        (listeners, addresses)
    }

    /// Address bound and address advertised.
    fn addresses(
        &mut self,
        index: usize,
        section: &ListenerSection,
    ) -> Option<(SocketAddr, SocketAddr)> {
        let table = format!("sip.listeners[{index}]");
        let path = format!("{table}.address");
        let Some(text) = &section.address else {
            self.wrong(&table, "a listener without an address").expected =
                Some("`address`, as in address = \"127.0.0.1:5060\"".to_owned());
            return None;
        };
        let local = self.socket_address(&path, text)?;
        if local.port() == 0 {
            self.wrong(&path, "port 0 is no port").expected = Some("a port, 1 to 65535".to_owned());
            return None;
        }
        let ip = self.advertised_ip(&table, section, local)?;
        let port = match section.advertised_port {
            Some(port) => {
                let path = format!("{table}.advertised_port");
                self.number(&path, port, 1..=65_535, "")
            }
            None => local.port(),
        };
        Some((local, SocketAddr::new(ip, port)))
    }

    fn advertised_ip(
        &mut self,
        table: &str,
        section: &ListenerSection,
        local: SocketAddr,
    ) -> Option<IpAddr> {
        let path = format!("{table}.advertised_ip");
        let Some(text) = &section.advertised_ip else {
            if local.ip().is_unspecified() {
                let path = format!("{table}.address");
                self.wrong(&path, format!("nobody can send to `{}`", local.ip()))
                    .expected =
                    Some("`advertised_ip` beside it: the IP address others reach it by".to_owned());
                return None;
            }
            return Some(local.ip());
        };
        let ip = text.parse::<IpAddr>().ok();
        let fits = ip.is_some_and(|ip| {
            ip.is_ipv4() == local.is_ipv4() && !ip.is_unspecified() && !ip.is_multicast()
        });
        if !fits {
            let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
            self.wrong(&path, format!("others cannot reach `{text}`"))
                .expected = Some(format!("an {family} address, as `address` is one"));
            return None;
        }
        ip
    }

    fn twice(&mut self, index: usize, other: usize, listener: &Listener) {
        let range = |checks: &Self, index: usize| {
            let path = super::steps(&format!("sip.listeners[{index}].address"));
            checks.document.locate(&path).value
        };
        let line = self.document.source.line(&range(self, other));
        let (transport, local) = (listener.transport, listener.local);
        self.wrong(
            &format!("sip.listeners[{index}].address"),
            format!(
                "{transport} port {} of `{}` is taken by the listener of line {line}",
                local.port(),
                local.ip()
            ),
        )
        .expected = Some("each address and port once for each transport".to_owned());
    }

    fn outside_of_media(&mut self, index: usize, listener: &Listener, media: &MediaSettings) {
        let (first, last) = (media.first_port, media.last_port);
        let port = listener.local.port();
        if listener.transport == Transport::Udp && (first..=last).contains(&port) {
            self.wrong(
                &format!("sip.listeners[{index}].address"),
                format!("UDP port {port} lies in `media.port_range`"),
            )
            .expected = Some(format!("a port outside of {first} to {last}"));
        }
    }

    /// One for each IP address. Two that overlap could not both bind the range.
    fn media_address(
        &mut self,
        index: usize,
        listener: &Listener,
        addresses: &mut Vec<MediaAddress>,
    ) -> MediaAddressId {
        let new = MediaAddress {
            local: listener.local.ip(),
            advertised: listener.advertised.ip(),
        };
        let same = addresses
            .iter()
            .position(|known| overlap(known.local, new.local));
        let Some(same) = same else {
            addresses.push(new);
            return MediaAddressId((addresses.len() - 1) as u16);
        };
        let known = addresses[same];
        if known.local != new.local {
            self.wrong(
                &format!("sip.listeners[{index}].address"),
                format!(
                    "`{}` and `{}` overlap, media ports would be bound twice",
                    new.local, known.local
                ),
            )
            .expected = Some("either the one or the other for all listeners".to_owned());
        } else if known.advertised != new.advertised {
            self.wrong(
                &format!("sip.listeners[{index}].advertised_ip"),
                format!(
                    "`{}` is advertised as `{}` and as `{}`",
                    new.local, known.advertised, new.advertised
                ),
            )
            .expected = Some("one advertised address for each address bound".to_owned());
        }
        MediaAddressId(same as u16)
    }
}

fn clash(one: &Listener, other: &Listener) -> bool {
    one.transport == other.transport
        && one.local.port() == other.local.port()
        && overlap(one.local.ip(), other.local.ip())
}

/// Whether both cannot be bound with the same port.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    one == other || same_family && (one.is_unspecified() || other.is_unspecified())
}

//! The one offer this tool makes and the little it needs from the answer.
//! Written by hand: it shares no code with the server under load.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

/// An offer of PCMU and telephone-event on an address.
pub fn offer(media: SocketAddr, ptime_ms: u32) -> Bytes {
    let (ip, port) = (media.ip(), media.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    Bytes::from(format!(
        "v=0\r\no=load 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=ptime:{ptime_ms}\r\na=sendrecv\r\n"
    ))
}

/// Where the answer wants the audio. The error says what is wrong with it.
pub fn answered_address(answer: &[u8]) -> Result<SocketAddr, &'static str> {
    let text = std::str::from_utf8(answer).map_err(|_| "the answer is not UTF-8")?;
    let (mut address, mut port) = (None, None);
    // Before the first m= line, c= speaks for all of them (RFC 8866 §5.7).
    let mut applies = true;
    for line in text.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            if port.is_some() {
                break;
            }
            let mut words = media.split_whitespace();
            applies = words.next() == Some("audio");
            if applies {
                port = words.next().and_then(|word| word.parse::<u16>().ok());
                if words.nth(1) != Some("0") {
                    return Err("the answer does not choose PCMU first");
                }
            }
        } else if let Some(connection) = line.strip_prefix("c=")
            && applies
        {
            address = connection.split_whitespace().nth(2);
        }
    }
    let port = port.ok_or("no audio in the answer")?;
    if port == 0 {
        return Err("the answer refuses the audio");
    }
    let address = address.ok_or("no c= line in the answer")?;
    let ip: IpAddr = address
        .parse()
        .map_err(|_| "the answer's c= is no IP address")?;
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offer_names_address_and_codecs() {
        let offer = offer("[::1]:4000".parse().unwrap(), 30);
        let text = std::str::from_utf8(&offer).unwrap();
        assert!(text.contains("c=IN IP6 ::1\r\n") && text.contains("m=audio 4000 RTP/AVP 0 101"));
        assert!(text.contains("a=ptime:30\r\n"));
        let own = answered_address(&offer).unwrap();
        assert_eq!(own, "[::1]:4000".parse().unwrap());
    }

    #[test]
    fn the_media_level_address_wins() {
        let answer = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 9000 RTP/AVP 0\r\n\
                       c=IN IP4 127.0.0.1\r\nm=video 0 RTP/AVP 31\r\nc=IN IP4 192.0.2.2\r\n";
        let address = answered_address(answer).unwrap();
        assert_eq!(address, "127.0.0.1:9000".parse().unwrap());
    }

    #[test]
    fn unusable_answers_say_why() {
        for (answer, word) in [
            ("", "no audio"),
            ("c=IN IP4 127.0.0.1\nm=audio 0 RTP/AVP 0", "refuses"),
            ("m=audio 9 RTP/AVP 0", "no c="),
            ("c=IN IP4 host.example\nm=audio 9 RTP/AVP 0", "no IP"),
            ("c=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 8", "PCMU"),
            ("c=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 0", "no audio"),
        ] {
            let error = answered_address(answer.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{answer}: {error}");
        }
    }
}

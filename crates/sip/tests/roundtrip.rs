//! What the grammar can say is read as it was meant and written as it was read.

mod grammar;

use bytes::Bytes;
use proptest::prelude::*;
use strowger_sip::message::{Framed, Message, MessageLimits, NameAddr, StreamFramer, Uri};

fn parse(text: &[u8]) -> Message {
    Message::parse(Bytes::copy_from_slice(text), &MessageLimits::default()).expect("it parses")
}

proptest! {
    #[test]
    fn messages_are_read_as_meant_and_written_as_read(parts in grammar::message()) {
        let message = parse(&parts.text);
        match &message {
            Message::Request(request) => {
                prop_assert_eq!(request.validate(), Ok(()));
                prop_assert_eq!(request.method.as_bytes(), parts.method.as_bytes());
                let uri = parts.uri.as_ref().expect("a request has one");
                prop_assert_eq!(request.uri.as_bytes(), uri.text.as_bytes());
            }
            Message::Response(response) => prop_assert_eq!(response.validate(), Ok(())),
        }
        let headers = message.headers();
        let from = headers.from_().expect("From");
        prop_assert_eq!(from.tag(), Some(parts.from_tag.as_bytes()));
        prop_assert_eq!(headers.cseq().expect("CSeq").number, parts.number);
        let vias: Vec<_> = headers.vias().map(|via| via.expect("a Via")).collect();
        prop_assert_eq!(vias.len(), parts.vias.len());
        for (via, (transport, host, branch)) in vias.iter().zip(&parts.vias) {
            prop_assert_eq!(via.transport(), transport.as_bytes());
            prop_assert_eq!(via.host().to_string(), host.clone());
            prop_assert_eq!(via.branch(), Some(branch.as_bytes()));
        }
        let seen: Vec<_> = headers
            .iter()
            .map(|(name, value)| {
                (name.to_string().to_lowercase(), String::from_utf8_lossy(value).into_owned())
            })
            .collect();
        prop_assert_eq!(seen, parts.headers);
        prop_assert_eq!(message.body(), &parts.body);
        prop_assert_eq!(message.to_bytes(), parts.text);
    }

    #[test]
    fn streams_give_the_messages_that_went_in(
        messages in prop::collection::vec(grammar::message(), 1..4),
        cut in 1usize..200,
    ) {
        let stream: Vec<u8> = messages.iter().flat_map(|parts| parts.text.clone()).collect();
        let mut framer = StreamFramer::new(MessageLimits::default());
        let mut seen = Vec::new();
        for piece in stream.chunks(cut) {
            framer.push(piece);
            seen.extend(std::iter::from_fn(|| framer.next()));
        }
        let expected: Vec<_> =
            messages.into_iter().map(|parts| Ok(Framed::Message(parts.text.into()))).collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn uris_come_apart_as_they_were_put_together(parts in grammar::uri()) {
        let uri: Uri = parts.text.parse().expect("a URI");
        prop_assert_eq!(uri.to_string(), parts.text);
        prop_assert_eq!(uri.user().is_some(), parts.user.is_some());
        prop_assert_eq!(uri.host().expect("sip").to_string(), parts.host);
        prop_assert_eq!(uri.port(), parts.port);
        prop_assert!(uri.is_equivalent(&uri.detach()));
        let value = NameAddr::new(&uri, &[("tag", "1")]);
        let again = NameAddr::parse(value.to_bytes()).expect("a name-addr");
        prop_assert_eq!(again.uri, uri);
    }

    #[test]
    fn any_user_survives_in_a_uri_of_parts(user in "\\PC{1,20}") {
        let uri = Uri::sip(Some(&user), ([192, 0, 2, 1], 5060).into(), None);
        let again: Uri = uri.to_string().parse().expect("a URI");
        let read = again.user();
        prop_assert_eq!(read.as_deref(), Some(user.as_bytes()));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let limits = MessageLimits::default();
        let _ = Message::parse(Bytes::from(bytes.clone()), &limits);
        let _ = NameAddr::parse(Bytes::from(bytes.clone()));
        let mut framer = StreamFramer::new(limits);
        framer.push(&bytes);
        while framer.next().is_some() {}
    }
}

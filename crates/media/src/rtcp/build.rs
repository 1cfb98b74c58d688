//! Writing RTCP. Each function appends one packet of a compound to `out`.

use super::{CNAME, ReportBlock, SenderInfo, packet_type};

/// Appends an SR. At most 31 blocks are written.
pub fn write_sender_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    info: &SenderInfo,
    blocks: &[ReportBlock],
) {
    let start = header(out, blocks.len().min(31) as u8, packet_type::SR);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&info.ntp.to_be_bytes());
    out.extend_from_slice(&info.rtp_timestamp.to_be_bytes());
    out.extend_from_slice(&info.packets.to_be_bytes());
    out.extend_from_slice(&info.octets.to_be_bytes());
    write_blocks(out, blocks);
    set_length(out, start);
}

/// Appends an RR. At most 31 blocks are written.
pub fn write_receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let start = header(out, blocks.len().min(31) as u8, packet_type::RR);
    out.extend_from_slice(&ssrc.to_be_bytes());
    write_blocks(out, blocks);
    set_length(out, start);
}

/// Appends an SDES with one chunk and its CNAME, of which 255 octets count.
pub fn write_sdes_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let start = header(out, 1, packet_type::SDES);
    out.extend_from_slice(&ssrc.to_be_bytes());
    let text = &cname.as_bytes()[..cname.len().min(255)];
    out.extend_from_slice(&[CNAME, text.len() as u8]);
    out.extend_from_slice(text);
    // RFC 3550 §6.5: a null octet ends the list, more of them fill the word.
    out.push(0);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    set_length(out, start);
}

/// Appends a BYE without a reason.
pub fn write_bye(out: &mut Vec<u8>, ssrc: u32) {
    let start = header(out, 1, packet_type::BYE);
    out.extend_from_slice(&ssrc.to_be_bytes());
    set_length(out, start);
}

fn header(out: &mut Vec<u8>, count: u8, packet_type: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count, packet_type, 0, 0]);
    start
}

fn set_length(out: &mut [u8], start: usize) {
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn write_blocks(out: &mut Vec<u8>, blocks: &[ReportBlock]) {
    for block in blocks.iter().take(31) {
        out.extend_from_slice(&block.ssrc.to_be_bytes());
        let lost = block.cumulative_lost as u32 & 0x00FF_FFFF;
        out.extend_from_slice(&(u32::from(block.fraction_lost) << 24 | lost).to_be_bytes());
        out.extend_from_slice(&block.extended_highest.to_be_bytes());
        out.extend_from_slice(&block.jitter.to_be_bytes());
        out.extend_from_slice(&block.last_sr.to_be_bytes());
        out.extend_from_slice(&block.delay_since_last_sr.to_be_bytes());
    }
}

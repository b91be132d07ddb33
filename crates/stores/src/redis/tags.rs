//! The hash tags of the partitions.
//!
//! The keys of one partition share a tag, and so a slot of a Redis Cluster: a script can then use all of
//! them. A hash of the partition's number would put many partitions into one slot and leave masters idle. In
//! this table, the n-th tag has a slot near 16 times n with its ten bits reversed, so the first P tags are
//! spread evenly for every P. The table must never change, because it decides where all data is.

use std::ops::Range;

/// The number of letters of a tag after `cs`.
const LENGTH: usize = 3;

/// The letters of all tags in a row.
const TAGS: &str = "\
    0ez0db00p01h1ad09e0mw0060yk0xs0400iq0x518e05n04v0630kr0c90zp07m06u0bg2xp02s03k0gy0fa0ot0251cg288\
    0er08300x0m908u09m14f0lg0a21930480iy19u0at05f0pv0jb0kz0c10zx07e0ru0bo0cw0vs03c0gq0fi16e0nd1co0g7\
    1xo0df00t01l08y09a0ms0020yo0xw0440iu0x10ax05j04r0670kv2x20zt07i06q0bc2xt02w03o1zl0fe0op0211cc2de\
    0ev0870tt01d08q09i14b0lc0a61970he10d0x90ap05b04z0jf12g0c51gm07a06y0bk0cs0vw03g0gu0fm0ox0291ck0g3\
    0890ex01j00r09g1af0040mu0xq0a80is04218g0x704t05l0kp0610zr2x406w07o2xr0be03i02q0fc1zj0270ov2dc1ce\
    0810ep01b00z09o08w0le14d0xy0a010b0hc0av19w0pt05d0kx0690zz0c30rw07g0cu0bm03a02y0fk0gs0nf16g0g51cm\
    0dd1xm01n00v09c1ab0000mq0xu0ym0iw0460az0x304p05h0kt0650zv2x006s07k0cy0ba03m02u0fg1zn0230or0g91ca\
    0850et01f0tv09k08s0080my1950a410f0hg0ar19s04x0i912e0jd1go0c70rs07c0cq0bi03e0vu0fo0gw0nb0oz0g11ci\
    00q01i1xj0dc0mv0071ae09d0410ip0yj0xr05o04w0x418d0c80zq0620ks0bf2xq07l06t0gx29g02r03j1cf2890ou024\
    00y01a0es08214g0lf08t09l0490ix0a30xz05g0pw19t0au0c00zy0jc12b0bn0cv07d0rt0gp0fh02z03b1cn0g616d0ne\
    00u01m1xn0dg0mr00308x0e90450it0yn0xv05k04s0x00ay2x30zu0660kw0bb0cz07h06p1zm0fd02v03n1cb1bz0oq020\
    0tu01e0ew0860mz0lb08p09h0hd10e0a719605c0ps0x80aq0c41gl0jg12f0bj0cr0k906x0gt0fl0vv03f1cj0g20oy028\
    01k00s0880ey0050mt09f1ag0ir0430xp0a904u05m18f0x60zs1fz0kq0602xs0bd06v07n0fb0gz03h02p2db1cd0260ow\
    01c0ts0800eq0ld14e09n08v0iz0hb0xx0a10pu05e0aw19v1gj0c20ky0680ct0bl0rv07f0fj0gr0o902x0g41cl0ng16f\
    01o00w0de1xl0010mp09b08z0iv0470xt0yl04q05i18b0x20zw2x10ku0640cx0z106r07j0ff1zo03l02t0g83xo0220os\
    01g0tw0840eu0090mx09j08r10g0hf1940a504y05a0as19r1gn0c612d0je0cp0bh06z07b0fn0gv03d0vt0g01ch0nc16b\
    13b0kc1fh0b00st06d0bv0cn02b03z0gh0fp0oe17d0f61bn0920ds00a01y08l09t0mf15g0yz0xb0hx05919l0am0qw04g\
    0js07239g0b807t06l2yq0cf02j03r1zq0fx0340nu2991bf0ec1yj00i01q08d1x40170lv0yr0xj0hp05119d0ae05w04o\
    13f0kg1fl0b407x0j90br0cj02f0wv0gl0ft0380ny0f21bj0960dw00e0uu08h09p0mb0lz1860xf11e0id19h0ai0qs04c\
    0jw0761fd0zm07p06h0bz0cb02n03v0gd3x30300nq1cz1bb0eg1yn00m01u0d909x0130lr0yv0xn0ht0551e90aa05s04k\
    0780jy0b21fj06f0sv0cl0bt03x0n90fr0gj17f0og1bl0f40dq0900us00c09v08n15e0md1eq0yx0ib0hz0ao19n04e0qu\
    0700jq0zk1fb06n07v0cd2ys03p02h0fz0gb0nw0361bd2eb0dy09801s00k1x608f0lt0150xh0yp0530hr0ag19f04m05u\
    0ke13d0b61fn06b07z0ch0bp0wt02d0fv0gn17b0oc1bh0f00du0940uw00g09r08j0lx0190xd1840if11g0ak19j04a05y\
    0740ju0zo1ff06j07r2xo0bx03t02l29y0gf0ns0321z10f81yl0ee01w00o09z08b0lp0110xl0yt0570hv0ac19b04i05q\
    1fi0b10jz0kb0bw0co0su06e0gi0fq02c0ws0f71bo0od17e0l901x0930dr0mg15f08m09u0hy0581830xc0qv04f19m0al\
    1fa0b90jr0732yp0cg07u06m0ga0fy02k03s2981bg0350nt00h01p0eb0dz0160lw08e1x50hq0500ys0xk05v04n19e0ad\
    1fm0b513g0kf0bs0ck07y06a0gm0fu02g0ww0f31bk0390nx00d0ut0970dv0mc15b08i09q11d0ie1870xg05z04b19i0ah\
    1fe0zl0jv0772yt0cc07q06i0ge29z02o03w2ee1bc0310np00l01t0ef1yo0120ls08a09y0hu0540yw0xo05r04j19a0y1\
    0b31fk0790jx0cm0bu06g0sw0fs0gk03y02a1bm0f517g0of01z00b0dp09115d0me09w08o0ic11b0xa0yy04d0qt0an19o\
    0zj1fc0710jp0ce2yr06o07w3x40gc03q02i1be2ec0nv03701r00j0dx0990lu0141x708g0520hs0xi0yq04l05t0af19g\
    0b71fo0kd13e0ci0bq06c0ss0fw0go0wu02e1bi0f10nz0ob0uv00f0dt0950ly01809s08k0ig11f0xe1850h905x0aj19k\
    0zn1fg0750jt0ca0by06k07s29x0gg03u02m1ba0f90nr03301v00n1ym0ed0lq0101x308c0560hw0xm0yu04h05p0ab19c\
    ";

/// The tag `{csxyz}` with which the keys of the partition begin.
pub fn tag(partition: u16) -> String {
    let at = usize::from(partition) % (TAGS.len() / LENGTH) * LENGTH;
    let Range { start, end } = at..at + LENGTH;
    format!("{{cs{}}}", TAGS.get(start..end).unwrap_or_default())
}

/// The partition with this tag.
pub fn partition_of(tag: &str) -> Option<u16> {
    let letters = tag.strip_prefix("{cs")?.strip_suffix('}')?;
    let found = (0..TAGS.len() / LENGTH).find(|n| TAGS.get(n * LENGTH..(n + 1) * LENGTH) == Some(letters))?;
    u16::try_from(found).ok()
}

/// The slot of a Redis Cluster for keys with this tag.
pub fn slot(tag: &str) -> u16 {
    let name = tag.trim_matches(['{', '}']);
    // CRC-16/XMODEM, by the cluster specification.
    let crc =
        name.bytes().fold(0u16, |crc, byte| {
            (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
            })
        });
    crc % 16_384
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_in_its_part_of_the_slots() {
        assert_eq!(TAGS.len(), LENGTH * 1_024);
        for partition in 0..1_024u16 {
            let tag = tag(partition);
            assert_eq!(slot(&tag) / 16, partition.reverse_bits() >> 6, "{tag}");
            assert_eq!(partition_of(&tag), Some(partition));
        }
        assert_eq!(partition_of("{csnone}"), None);
    }

    #[test]
    fn three_masters_hold_equal_parts() {
        for partitions in [3, 16, 64, 100, 1_024] {
            let mut held = [0; 3];
            for partition in 0..partitions {
                held[usize::from(slot(&tag(partition)) / 5_462)] += 1;
            }
            assert!(held.iter().max().unwrap() - held.iter().min().unwrap() <= 3, "{partitions}: {held:?}");
        }
    }
}

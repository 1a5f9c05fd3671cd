package egress

import (
	"net"
	"net/netip"
	"strings"
)

// Zone is how near to this machine an address lies. A redirect, a token realm
// or a second look at the name may lead as near as the first connection of a
// registry did, and no nearer.
type Zone uint8

// The zones, from far to near. Forbidden addresses are never connected to:
// link-local ones, where clouds serve credentials, and those that name nobody.
const (
	Public    Zone = iota
	Private        // private, unique-local, shared (CGNAT) and reserved addresses
	Loopback       // this machine
	Forbidden      // link-local, unspecified, multicast, cloud metadata
)

func (z Zone) String() string {
	switch z {
	case Public:
		return "public"
	case Private:
		return "private"
	case Loopback:
		return "loopback"
	}
	return "forbidden"
}

// ZoneOf is the zone of an address. An IPv6 address that carries an IPv4 one
// (mapped, compatible, translated, NAT64, 6to4, Teredo) is in the zone of that.
func ZoneOf(a netip.Addr) Zone {
	a = a.Unmap().WithZone("")
	if v4, ok := embedded(a); ok {
		a = v4
	}
	switch {
	case !a.IsValid(), a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), within(a, forbidden()):
		return Forbidden
	case a.IsLoopback():
		return Loopback
	case a.IsPrivate(), within(a, reserved()):
		return Private
	case a.Is6() && !globalUnicast().Contains(a):
		return Private // not assigned: nobody on the internet has it
	}
	return Public
}

// globalUnicast is the part of IPv6 that is given out (RFC 4291 section 2.4,
// IANA's registry of it).
func globalUnicast() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// forbidden are addresses that are no host's, and where clouds serve a
// machine's credentials outside of the link-local block.
func forbidden() []string {
	return []string{
		"0.0.0.0/8",             // "this network" (RFC 791): 0.0.0.0 reaches this machine
		"255.255.255.255/32",    // limited broadcast
		"100.100.100.200/32",    // Alibaba Cloud
		"192.0.0.192/32",        // Oracle Cloud
		"168.63.129.16/32",      // Azure
		"fd00:ec2::/32",         // AWS
		"fd20:ce::254/128",      // Google Cloud
		"fec0::/10", "100::/64", // site-local, discard-only
	}
}

// reserved are blocks that are not reachable over the internet (IANA's
// registries of special-purpose addresses), beside the private ones.
func reserved() []string {
	return []string{
		"100.64.0.0/10",   // shared address space (RFC 6598)
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"240.0.0.0/4",     // reserved
		"64:ff9b:1::/48",  // NAT64 of a local network (RFC 8215)
		"2001:2::/48",     // benchmarks
		"2001:10::/28",    // ORCHID
		"2001:db8::/32",   // documentation
		"3fff::/20",       // documentation
		"5f00::/16",       // segment routing
	}
}

func within(a netip.Addr, blocks []string) bool {
	for _, b := range blocks {
		if netip.MustParsePrefix(b).Contains(a) {
			return true
		}
	}
	return false
}

// embedded is the IPv4 address that an IPv6 one carries, and to which a
// translator or tunnel on the way would connect.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return a, false
	}
	b := a.As16()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a): // NAT64 (RFC 6052)
		return at(12), true
	case netip.MustParsePrefix("::ffff:0:0:0/96").Contains(a): // translated (RFC 2765)
		return at(12), true
	case netip.MustParsePrefix("2002::/16").Contains(a): // 6to4 (RFC 3056)
		return at(2), true
	case netip.MustParsePrefix("2001::/32").Contains(a): // Teredo (RFC 4380): the client's, inverted
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case netip.MustParsePrefix("::/96").Contains(a) && b[12] != 0: // compatible (RFC 4291)
		return at(12), true
	}
	return a, false
}

// HostZone is what a host's spelling says of its zone. known is false for a
// name that has to be resolved.
func HostZone(host string) (z Zone, known bool) {
	host = strings.ToLower(strings.TrimSuffix(hostname(host), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return Loopback, true // RFC 6761 section 6.3
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return ZoneOf(a), true
	}
	return Public, false
}

// hostname is a host without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

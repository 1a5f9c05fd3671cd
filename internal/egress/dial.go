package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// patience is how long one address of a name is tried before the next.
const patience = 15 * time.Second

// connect makes a connection and judges where it leads: before the first packet
// where the system dials, and again by the connection's own word.
func (o *origin) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if tripOf(ctx).proxy != nil {
		return o.dialer(nil)(ctx, network, address) // the user's own proxy, wherever it is
	}
	var refused *AddressError // a name's other addresses may do, and then it does not matter
	judge := func(at string) error {
		err := o.judge(address, at)
		errors.As(err, &refused)
		return err
	}
	conn, err := o.dialer(judge)(ctx, network, address)
	if err != nil {
		if refused != nil {
			return nil, refused
		}
		return nil, err
	}
	at := conn.RemoteAddr().String()
	if err := judge(at); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	o.connected(address, at)
	return conn, nil
}

func (o *origin) dialer(judge func(at string) error) Dial {
	if o.dial != nil {
		return o.dial
	}
	d := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second}
	if judge != nil {
		d.ControlContext = func(_ context.Context, _, at string, _ syscall.RawConn) error { return judge(at) }
	}
	return d.DialContext
}

// judge refuses a connection to a place where the origin may not lead. asked is
// the host that is meant, at the address that it resolved to.
func (o *origin) judge(asked, at string) error {
	addr, err := netip.ParseAddrPort(at)
	if err != nil {
		return err
	}
	z := ZoneOf(addr.Addr())
	refuse := &AddressError{Host: trimPort(asked), Addr: addr.Addr().String(), Zone: z, Origin: o.host}
	if o.same(asked) {
		refuse.Host = o.host
	}
	if z == Forbidden {
		return refuse
	}
	if spelled, known := HostZone(asked); known && spelled == Loopback && z != Loopback {
		return refuse // "localhost" that is another machine
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.known && z > o.zone:
		return refuse
	case !o.known && o.same(asked) && z == Loopback && !o.own:
		return refuse
	case !o.known && !o.same(asked) && z != Public:
		return refuse // the origin was reached through a proxy
	}
	return nil
}

// connected notes where the origin itself is: nothing may lead nearer.
func (o *origin) connected(asked, at string) {
	addr, err := netip.ParseAddrPort(at)
	if err != nil || !o.same(asked) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known {
		o.known, o.zone = true, ZoneOf(addr.Addr())
	}
}

// judgeName refuses what a spelling alone tells: behind a proxy, which resolves
// names itself, there is nothing more to go by.
func (o *origin) judgeName(host string) error {
	z, known := HostZone(host)
	if !known {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if z == Forbidden || z > o.zone {
		return &AddressError{Host: host, Zone: z, Origin: o.host}
	}
	return nil
}

// same reports whether a dialled "host:port" is the origin.
func (o *origin) same(address string) bool {
	return strings.EqualFold(trimPort(address), trimPort(o.host))
}

// trimPort leaves out the ports that go without saying.
func trimPort(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
}

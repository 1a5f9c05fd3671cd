package egress

import (
	"context"
	"net"
)

// Answers reports whether a process of this machine listens on a Unix socket.
func Answers(ctx context.Context, socket string) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was said
	return true
}

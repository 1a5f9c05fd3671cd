package inspect

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// PrivateHost reports whether an address (or a bare host) is one that only a private
// network knows, or one that cannot be told: nobody public vouches for it, and it
// need not answer over https.
func PrivateHost(address string) bool {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address = rest
	}
	if n := strings.IndexAny(address, "/?#"); n >= 0 {
		address = address[:n]
	}
	host := address[strings.LastIndexByte(address, '@')+1:]
	if strings.ContainsAny(host, "$`") {
		return true
	}
	if in, _, ok := strings.Cut(strings.TrimPrefix(host, "["), "]"); ok {
		host = in
	} else if name, _, ok := strings.Cut(host, ":"); ok && strings.Count(host, ":") == 1 {
		host = name
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10)
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || shared.Contains(ip)
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	return len(labels) == 1 || slices.Contains([]string{
		"local", "localhost", "localdomain", "lan", "internal", "intranet", "corp", "home", "private", "test", "invalid", "arpa", "svc", "cluster",
	}, labels[len(labels)-1])
}

// PrivateCommand reports whether a command names an address of a private network.
func PrivateCommand(c *dockerfile.Command) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "://") && PrivateHost(w.Text) })
}

// LacksCertificates is the client of HTTPS that a RUN up to number i installs
// without the certificates that it only recommends; false: none is.
func (in *Input) LacksCertificates(i int, program string) (client dockerfile.ShellWord, lacks bool) {
	for _, st := range in.File.Chain(in.Stage(i)) {
		for k := st.From + 1; k < min(st.End, i+1); k++ {
			if strings.Contains(in.File.Instructions[k].Raw, "ca-certificates") {
				return client, false
			}
			if in.File.Instructions[k].Cmd != "RUN" {
				continue
			}
			for _, c := range in.Script(k).Commands {
				if !c.Is("apt-get", "install") && !c.Is("apt", "install") || !c.Has("--no-install-recommends") {
					continue
				}
				for _, w := range c.Operands("-o", "-t", "-c") {
					if name, _, _ := strings.Cut(w.Text, "="); name == program {
						client, lacks = w, true
					}
				}
			}
		}
	}
	return client, lacks
}

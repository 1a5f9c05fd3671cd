package confine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Access is what a path was used for.
type Access = observe.File

// appArmor is a profile for AppArmor (apparmor.d(5)): what was read, written and
// executed, and no more.
func (p *Profile) appArmor(files []Access) []byte {
	name := "drydock-" + p.service()
	out := []string{
		"# Checked for its syntax only where the kernel has no AppArmor.",
		"# apparmor_parser -r apparmor.profile && docker run --security-opt apparmor=" + name + " …",
		"abi <abi/3.0>,",
		"",
		"profile " + name + " flags=(attach_disconnected,mediate_deleted) {",
	}
	for _, c := range p.Capabilities {
		out = append(out, "  capability "+strings.ToLower(c)+",")
	}
	if p.Network != "none" {
		out = append(out, "  network inet stream,", "  network inet6 stream,", "  network inet dgram,", "  network inet6 dgram,")
	}
	out = append(out, "  network unix stream,", "  network unix dgram,", "  signal (send, receive) peer="+name+",", "  signal receive peer=unconfined,", "")
	for _, f := range files {
		var how string
		switch {
		case f.Missing:
			continue
		case f.Execute:
			how = "mrix"
		case f.Write:
			how = "rwk"
		default:
			how = "mr"
		}
		folder := "{,/}" // AppArmor ends the name of a folder with a slash, and what is one is not known
		if f.Execute || f.Path == "/" {
			folder = ""
		}
		out = append(out, "  "+appArmorPath(f.Path, folder)+" "+how+",")
	}
	for _, dir := range slices.Concat(p.Tmpfs, p.Volumes, p.Image.Volumes) {
		out = append(out, "  "+appArmorPath(dir, "/")+" rw,", "  "+appArmorPath(dir, "/**")+" rwk,")
	}
	out = append(out, "  /proc/** r,", "  /dev/null rw,", "  /dev/zero rw,", "  /dev/urandom r,", "  /dev/pts/* rw,", "}")
	return lines(out)
}

// appArmorPath quotes a path. Of what has a meaning in a pattern only "*" stays, and that
// only as a whole name, which stands for one that differs from run to run: "**" would reach
// into folders, and a workload can give files such names. The pattern after it is ours.
func appArmorPath(p, pattern string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, c := range []byte(p) {
		switch {
		case c == '*' && (i == 0 || p[i-1] != '/' || i+1 < len(p) && p[i+1] != '/'):
			b.WriteString(`\*`)
		case c < 0x20 || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		case strings.IndexByte(`\"?[]{}^,@#`, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(pattern + `"`)
	return b.String()
}

// selinux is a module in the common intermediate language of SELinux, on top of
// container-selinux's container domain.
func (p *Profile) selinux() []byte {
	name := strings.ReplaceAll("drydock_"+p.service(), "-", "_")
	out := []string{
		"; Checked for its syntax only: semodule -i selinux.cil /usr/share/udica/templates/base_container.cil",
		"; docker run --security-opt label=type:" + name + ".process …",
		"(block " + name,
		"  (blockinherit container)",
	}
	classes := map[string][]string{}
	for _, c := range p.Capabilities {
		class := "capability"
		if slices.Index(seccomp.Capabilities(), c) >= firstOfSecond { // a class has 32 permissions
			class = "capability2"
		}
		classes[class] = append(classes[class], strings.ToLower(c))
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		out = append(out, "  (allow process process ("+class+" ("+strings.Join(classes[class], " ")+")))")
	}
	if p.Network != "none" {
		out = append(out, "  (blockinherit net_container)")
	}
	return lines(append(out, ")"))
}

// firstOfSecond is the number of the first capability that SELinux has in a class of
// its own: MAC_OVERRIDE.
const firstOfSecond = 32

// readme says what to type.
func (p *Profile) readme(proof *Proof) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, with the least privilege\n\n", p.service())
	if on := proof.Runtime; proof.Level == "ran" && on != nil {
		fmt.Fprintf(&b, "Proved on %s %s, Engine %s, in %d runs.\n\n", on.Name, on.Version, on.Engine, proof.Runs)
	} else {
		b.WriteString("Not proved: nothing was run under it.\n\n")
	}
	b.WriteString("Read the options into an array, since a path may have spaces:\n\n```sh\nmapfile -t options <docker-run.args\n")
	network := ""
	if p.Network == "isolated" {
		net := p.service() + "-isolated"
		fmt.Fprintf(&b, "docker network create -o com.docker.network.bridge.enable_icc=false %s\n", net)
		network = " --network=" + net
		for _, port := range p.Ports {
			network += fmt.Sprintf(" -p 127.0.0.1:%d:%d", port, port)
		}
	}
	if p.Restart != "" {
		network += " --restart=" + p.Restart
	}
	fmt.Fprintf(&b, "docker run \"${options[@]}\"%s %s\n```\n\n", network, shellWord(p.Image.Name))
	b.WriteString("With compose: `docker compose -f compose.yaml -f compose.override.yaml up`.\n\n")
	fmt.Fprintf(&b, "%d system calls instead of %d; capabilities: %s.\n", proof.Syscalls.Allowed, proof.Syscalls.EngineDefault, orNone(p.Capabilities))
	for _, n := range proof.NotEnforced {
		fmt.Fprintf(&b, "\nNot enforced on the machine of the proof: %s (%s).\n", n.What, n.Why)
	}
	return []byte(b.String())
}

func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func orNone(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}

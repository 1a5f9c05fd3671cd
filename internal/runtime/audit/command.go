package audit

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// maxCommands bounds the lines that are read.
const maxCommands = 1000

// ReadCommands reads lines of docker run; others are no containers. A backslash
// at its end joins a line to the next.
func ReadCommands(name string, b []byte) (*Read, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, MaxBytes)
	}
	out := &Read{}
	for at, line := 0, 1; at < len(b); {
		end := at
		lines := 0
		for {
			n := bytes.IndexByte(b[end:], '\n')
			if n < 0 {
				end = len(b)
				break
			}
			end += n
			lines++
			if !bytes.HasSuffix(bytes.TrimRight(b[at:end], "\r"), []byte(`\`)) {
				break
			}
			end++
		}
		text := string(b[at:end])
		if starts(text) {
			if len(out.Containers) == maxCommands {
				return nil, fmt.Errorf("%s: more than %d commands", name, maxCommands)
			}
			c, err := command(name, text, finding.Span{File: name, Start: at, End: end, Line: line, Column: 1})
			if err != nil {
				out.Unknown = append(out.Unknown, finding.Unknown{What: fmt.Sprintf("%s:%d: the container that it starts", name, line), Why: err.Error()})
			} else {
				out.Containers = append(out.Containers, c)
			}
		}
		at, line = end+1, line+lines
	}
	if len(out.Containers)+len(out.Unknown) == 0 {
		return nil, finding.WithHint(errors.New(name+": no docker run among its lines"), "a line is \"docker run [flags] IMAGE [ARG…]\"")
	}
	return out, nil
}

// program is the length of "docker run" or its like among words; 0: it is none.
func program(words []string) int {
	if len(words) > 0 && (words[0] == "sudo" || words[0] == "$") {
		n := program(words[1:])
		if n > 0 {
			return n + 1
		}
		return 0
	}
	if len(words) < 2 {
		return 0
	}
	if n := path.Base(words[0]); n != "docker" && n != "podman" {
		return 0
	}
	n := 1
	if words[1] == "container" {
		n = 2
	}
	if n < len(words) && (words[n] == "run" || words[n] == "create") {
		return n + 1
	}
	return 0
}

func starts(text string) bool {
	text = strings.TrimSpace(text)
	return !strings.HasPrefix(text, "#") && program(strings.Fields(text)) > 0
}

// valueless are the flags of docker run that take no value unless it is joined.
var valueless = map[string]bool{
	"detach": true, "d": true, "interactive": true, "i": true, "tty": true, "t": true, "rm": true, "privileged": true, "read-only": true,
	"init": true, "no-healthcheck": true, "oom-kill-disable": true, "publish-all": true, "P": true, "sig-proxy": true, "quiet": true, "q": true,
	"disable-content-trust": true, "help": true, "use-api-socket": true,
}

// valued are the flags that take a value.
var valued = map[string]bool{
	"add-host": true, "annotation": true, "attach": true, "a": true, "blkio-weight": true, "blkio-weight-device": true, "cap-add": true, "cap-drop": true,
	"cgroup-parent": true, "cgroupns": true, "cidfile": true, "cpu-count": true, "cpu-percent": true, "cpu-period": true, "cpu-quota": true,
	"cpu-rt-period": true, "cpu-rt-runtime": true, "cpu-shares": true, "c": true, "cpus": true, "cpuset-cpus": true, "cpuset-mems": true,
	"detach-keys": true, "device": true, "device-cgroup-rule": true, "device-read-bps": true, "device-read-iops": true, "device-write-bps": true,
	"device-write-iops": true, "dns": true, "dns-opt": true, "dns-option": true, "dns-search": true, "domainname": true, "entrypoint": true, "env": true, "e": true,
	"env-file": true, "expose": true, "gpus": true, "group-add": true, "health-cmd": true, "health-interval": true, "health-retries": true,
	"health-start-interval": true, "health-start-period": true, "health-timeout": true, "hostname": true, "h": true, "ip": true, "ip6": true, "ipc": true,
	"isolation": true, "kernel-memory": true, "label": true, "l": true, "label-file": true, "link": true, "link-local-ip": true, "log-driver": true,
	"log-opt": true, "mac-address": true, "memory": true, "m": true, "memory-reservation": true, "memory-swap": true, "memory-swappiness": true,
	"mount": true, "name": true, "net": true, "network": true, "net-alias": true, "network-alias": true, "oom-score-adj": true, "pid": true,
	"pids-limit": true, "platform": true, "publish": true, "p": true, "pull": true, "restart": true, "runtime": true, "security-opt": true,
	"shm-size": true, "stop-signal": true, "stop-timeout": true, "storage-opt": true, "sysctl": true, "tmpfs": true, "ulimit": true, "user": true,
	"u": true, "userns": true, "uts": true, "volume": true, "v": true, "volume-driver": true, "volumes-from": true, "workdir": true, "w": true,
}

// command reads one line.
func command(file, text string, span finding.Span) (*Container, error) {
	words, err := splitWords(text)
	if err != nil {
		return nil, err
	}
	c := &Container{Form: Command, edit: noEdits{}, Subject: finding.Subject{Kind: finding.KindContainer, Name: fmt.Sprintf("%s:%d", file, span.Line)}}
	c.at = func(string) finding.Location { s := span; return finding.Location{Source: &s} }
	words = words[program(words):]
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "-" {
		if words[0] == "--" {
			words = words[1:]
			break
		}
		if words, err = c.option(words); err != nil {
			return nil, err
		}
	}
	if len(words) == 0 {
		return nil, errors.New("it names no image")
	}
	if c.Image = words[0]; strings.Contains(c.Image, "$") {
		c.unsure("image", "the value of "+c.Image+" is not known")
		c.Image = ""
	}
	c.Words = append(c.Words, words[1:]...)
	return c, nil
}

// option takes the flags of one word, and its value, from the words.
func (c *Container) option(words []string) ([]string, error) {
	word := words[0]
	words = words[1:]
	if rest, long := strings.CutPrefix(word, "--"); long {
		name, value, joined := strings.Cut(rest, "=")
		switch {
		case valueless[name]:
			on, err := strconv.ParseBool(value)
			c.flag(name, value, !joined || err != nil || on)
			return words, nil
		case !valued[name]:
			return nil, fmt.Errorf("the flag --%s is not known here, nor whether it takes a value", name)
		case joined:
			c.flag(name, value, true)
			return words, nil
		case len(words) == 0:
			return nil, fmt.Errorf("the flag --%s has no value", name)
		}
		c.flag(name, words[0], true)
		return words[1:], nil
	}
	for i := 1; i < len(word); i++ {
		name := word[i : i+1]
		if valueless[name] {
			c.flag(name, "", true)
			continue
		}
		if !valued[name] {
			return nil, fmt.Errorf("the flag -%s is not known here, nor whether it takes a value", name)
		}
		if value := strings.TrimPrefix(word[i+1:], "="); value != "" {
			c.flag(name, value, true)
			return words, nil
		}
		if len(words) == 0 {
			return nil, fmt.Errorf("the flag -%s has no value", name)
		}
		c.flag(name, words[0], true)
		return words[1:], nil
	}
	return words, nil
}

// flag takes one flag in. A value with a variable of the shell is not known.
func (c *Container) flag(name, value string, on bool) {
	if strings.ContainsAny(value, "$`") && name != "env" && name != "e" {
		if field, ok := fieldOf[name]; ok {
			c.unsure(field, "the value of "+value+" is not known")
		}
		return
	}
	switch name {
	case "privileged":
		c.Privileged = on
	case "read-only":
		c.ReadOnly = on
	case "cap-add":
		c.CapAdd = append(c.CapAdd, capability(value))
	case "cap-drop":
		c.CapDrop = append(c.CapDrop, capability(value))
	case "security-opt":
		c.SecurityOpt = append(c.SecurityOpt, value)
	case "net", "network":
		c.Network = value
	case "pid":
		c.PID = value
	case "ipc":
		c.IPC = value
	case "uts":
		c.UTS = value
	case "userns":
		c.Userns = value
	case "cgroupns":
		c.Cgroupns = value
	case "user", "u":
		c.User = value
	case "memory", "m":
		n, ok := bytesOf(value)
		if !ok {
			c.unsure("mem_limit", strconv.Quote(value)+" is no size")
		}
		c.Memory = n
	case "pids-limit":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			c.unsure("pids_limit", strconv.Quote(value)+" is no number")
		}
		c.PIDs = max(n, 0)
	case "cpus", "cpu-quota", "cpu-shares", "c", "cpuset-cpus":
		c.CPU = value != "" && value != "0"
	case "ulimit":
		limit, _, _ := strings.Cut(value, "=")
		c.Ulimits = append(c.Ulimits, limit)
	case "cgroup-parent":
		c.CgroupParent = value
	case "health-cmd":
		c.Health = &on
	case "no-healthcheck":
		on = !on
		c.Health = &on
	case "expose":
		c.Exposed = true
	case "restart":
		c.Restart, c.Retries = policyOf(value)
	case "volume", "v":
		m := shortMount(value)
		m.field = "volumes/" + strconv.Itoa(len(c.Mounts))
		c.Mounts = append(c.Mounts, m)
	case "mount":
		c.Mounts = append(c.Mounts, longMount(value, "volumes/"+strconv.Itoa(len(c.Mounts))))
	case "device":
		host, _, _ := strings.Cut(value, ":")
		c.Devices = append(c.Devices, host)
	case "device-cgroup-rule":
		c.Devices = append(c.Devices, "cgroup rule "+value)
	case "publish", "p":
		p := shortPort(value)
		p.field = "ports/" + strconv.Itoa(len(c.Ports))
		c.Ports = append(c.Ports, p)
	case "publish-all", "P":
		if on {
			c.Ports = append(c.Ports, Port{Inside: "every exposed port", field: "ports/" + strconv.Itoa(len(c.Ports))})
		}
	case "env", "e":
		if n, v, ok := strings.Cut(value, "="); ok && !strings.ContainsAny(v, "$`") {
			c.Env = append(c.Env, Variable{n, v, "environment/" + escape(n)})
		}
	case "entrypoint":
		c.Words = append([]string{value}, c.Words...)
	}
}

// fieldOf are the fields that flags fill whose value a shell may put in.
var fieldOf = map[string]string{
	"cap-add": "cap_add", "cap-drop": "cap_drop", "security-opt": "security_opt", "net": "network_mode", "network": "network_mode", "pid": "pid",
	"ipc": "ipc", "uts": "uts", "userns": "userns_mode", "cgroupns": "cgroup", "user": "user", "u": "user", "memory": "mem_limit", "m": "mem_limit",
	"pids-limit": "pids_limit", "cpus": "cpus", "cpu-quota": "cpus", "cpu-shares": "cpus", "restart": "restart", "volume": "volumes", "v": "volumes",
	"mount": "volumes", "device": "devices", "publish": "ports", "p": "ports", "entrypoint": "entrypoint",
	"privileged": "privileged", "read-only": "read_only", "ulimit": "ulimits", "cgroup-parent": "cgroup_parent",
}

// longMount reads --mount: type=bind,source=/a,target=/b,readonly.
func longMount(value, field string) Mount {
	m := Mount{field: field}
	kind := "volume"
	for _, part := range strings.Split(value, ",") {
		name, v, _ := strings.Cut(part, "=")
		switch name {
		case "type":
			kind = v
		case "source", "src":
			m.Source = v
		case "target", "dst", "destination":
			m.Target = v
		case "readonly", "ro":
			m.ReadOnly = v == "" || v == "true" || v == "1"
		case "bind-propagation":
			m.Propagation = v
		}
	}
	if kind != "bind" {
		m.Source = ""
	}
	return m
}

// splitWords takes a line apart as a shell does, up to where another command
// begins. Expansions stay as they are written.
func splitWords(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	in := false
	end := func() {
		if in {
			out = append(out, word.String())
		}
		word.Reset()
		in = false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			end()
		case ';', '|', '&':
			end()
			return out, nil
		case '#':
			if !in {
				return out, nil
			}
			word.WriteByte(c)
		case '\'':
			in = true
			n := strings.IndexByte(s[i+1:], '\'')
			if n < 0 {
				return nil, errors.New("a quote is not closed")
			}
			word.WriteString(s[i+1 : i+1+n])
			i += n + 1
		case '"':
			in = true
			for i++; ; i++ {
				if i >= len(s) {
					return nil, errors.New("a quote is not closed")
				}
				if s[i] == '"' {
					break
				}
				if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0 {
					i++
				}
				word.WriteByte(s[i])
			}
		case '\\':
			if rest := strings.TrimPrefix(s[i+1:], "\r"); strings.HasPrefix(rest, "\n") {
				i = len(s) - len(rest)
				continue // the line goes on
			}
			if i++; i < len(s) {
				in = true
				word.WriteByte(s[i])
			}
		default:
			in = true
			word.WriteByte(c)
		}
	}
	end()
	return out, nil
}

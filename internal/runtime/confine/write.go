package confine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Document is one file that is written of a profile.
type Document struct {
	Name string
	Body []byte
}

// Documents are a profile as others read it, with its proof; dir is where they
// will lie, absolute. Without files, what the workload reads is not known.
func (p *Profile) Documents(dir string, proof *Proof, files []Access) ([]Document, error) {
	var docs []Document
	var errs error
	put := func(name string, body []byte, err error) {
		if err != nil && errs == nil {
			errs = fmt.Errorf("%s: %w", name, err)
		}
		docs = append(docs, Document{name, body})
	}
	body, err := indented(p)
	put("profile.json", body, err)
	filter := ""
	if p.Seccomp != nil {
		body, err = p.loaded().Marshal()
		put("seccomp.json", body, err)
		filter = filepath.Join(dir, "seccomp.json")
	}
	put("docker-run.args", lines(p.DockerArgs(filter)), nil)
	body, err = p.compose()
	put("compose.override.yaml", body, err)
	body, err = p.kubernetes()
	put("kubernetes.yaml", body, err)
	put("systemd.conf", p.systemd(), nil)
	if files != nil { // else nobody knows what it reads
		put("apparmor.profile", p.appArmor(files), nil)
	}
	put("selinux.cil", p.selinux(), nil)
	body, err = indented(proof)
	put("proof.json", body, err)
	put("README.md", p.readme(proof), nil)
	return docs, errs
}

// Write puts the documents into a folder, each whole or not at all.
func Write(dir string, docs []Document, opt disk.Options) error {
	for _, d := range docs {
		if err := disk.WriteFile(filepath.Join(dir, d.Name), d.Body, opt); err != nil {
			return err
		}
	}
	return nil
}

func indented(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

func lines(all []string) []byte { return []byte(strings.Join(all, "\n") + "\n") }

// DockerArgs are the options of docker run, each one argument; seccomp is the path
// of the filter, empty for the Engine's own.
func (p *Profile) DockerArgs(seccomp string) []string {
	args := []string{}
	if p.Capabilities != nil {
		args = append(args, "--cap-drop=ALL")
	}
	for _, c := range p.Capabilities {
		args = append(args, "--cap-add="+c)
	}
	if p.NoNewPrivileges {
		args = append(args, "--security-opt=no-new-privileges")
	}
	if seccomp != "" {
		args = append(args, "--security-opt=seccomp="+seccomp)
	}
	if p.ReadOnly {
		args = append(args, "--read-only")
	}
	for _, dir := range p.Tmpfs {
		args = append(args, "--tmpfs="+dir+":"+p.tmpfsOptions())
	}
	for _, dir := range p.Volumes {
		args = append(args, "--volume="+dir)
	}
	if p.User != "" {
		args = append(args, "--user="+p.User)
	}
	if p.Memory > 0 {
		args = append(args, fmt.Sprintf("--memory=%d", p.Memory), fmt.Sprintf("--memory-swap=%d", p.Memory))
	}
	if p.PIDs > 0 {
		args = append(args, fmt.Sprintf("--pids-limit=%d", p.PIDs))
	}
	if p.CPUs > 0 {
		args = append(args, fmt.Sprintf("--cpus=%g", p.CPUs))
	}
	if p.Nofile > 0 {
		args = append(args, fmt.Sprintf("--ulimit=nofile=%d:%d", p.Nofile, p.Nofile))
	}
	if p.Nproc > 0 {
		args = append(args, fmt.Sprintf("--ulimit=nproc=%d:%d", p.Nproc, p.Nproc))
	}
	if p.Network == "none" {
		args = append(args, "--network=none")
	}
	return args
}

// Folder is where the profile of an image is looked for, by the image's name.
func Folder(image string) string {
	p := Profile{Image: observe.Image{Name: image}}
	return p.service() + "-profile"
}

// service is what the workload is called where it needs a name.
func (p *Profile) service() string {
	name := p.Image.Name
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	if name = strings.Trim(name, "-"); name == "" {
		return "app"
	}
	return name[:min(len(name), 63)]
}

type object = map[string]any

func (p *Profile) compose() ([]byte, error) {
	service := object{}
	if p.Capabilities != nil {
		service["cap_drop"] = []string{"ALL"}
	}
	if len(p.Capabilities) > 0 {
		service["cap_add"] = p.Capabilities
	}
	var security []string
	if p.NoNewPrivileges {
		security = append(security, "no-new-privileges:true")
	}
	if p.Seccomp != nil {
		security = append(security, "seccomp=./seccomp.json")
	}
	if len(security) > 0 {
		service["security_opt"] = security
	}
	if p.Memory > 0 {
		service["mem_limit"], service["memswap_limit"] = p.Memory, p.Memory
	}
	if p.PIDs > 0 {
		service["pids_limit"] = p.PIDs
	}
	if p.CPUs > 0 {
		service["cpus"] = p.CPUs
	}
	ulimits := object{}
	for name, n := range map[string]int64{"nofile": p.Nofile, "nproc": p.Nproc} {
		if n > 0 {
			ulimits[name] = object{"soft": n, "hard": n}
		}
	}
	if len(ulimits) > 0 {
		service["ulimits"] = ulimits
	}
	if p.Restart != "" {
		service["restart"] = p.Restart
	}
	if p.ReadOnly {
		service["read_only"] = true
	}
	if len(p.Tmpfs) > 0 {
		var all []string
		for _, dir := range p.Tmpfs {
			all = append(all, dir+":"+p.tmpfsOptions())
		}
		service["tmpfs"] = all
	}
	if len(p.Volumes) > 0 {
		var all []object
		for _, dir := range p.Volumes {
			all = append(all, object{"type": "volume", "target": dir})
		}
		service["volumes"] = all
	}
	if p.User != "" {
		service["user"] = p.User
	}
	doc := object{"services": object{p.service(): service}}
	switch p.Network {
	case "none":
		service["network_mode"] = "none"
	case "isolated":
		service["networks"] = []string{p.service()}
		doc["networks"] = object{p.service(): object{"driver_opts": object{"com.docker.network.bridge.enable_icc": "false"}}}
	}
	return document("Beside the compose file: docker compose -f compose.yaml -f compose.override.yaml up", doc)
}

// document is YAML with a comment on top.
func document(comment string, docs ...any) ([]byte, error) {
	b := bytes.NewBufferString("# " + comment + "\n")
	for i, d := range docs {
		if i > 0 {
			b.WriteString("---\n")
		}
		body, err := yaml.Marshal(d)
		if err != nil {
			return nil, err
		}
		b.Write(body)
	}
	return b.Bytes(), nil
}

func (p *Profile) kubernetes() ([]byte, error) {
	name := p.service()
	security := object{
		"allowPrivilegeEscalation": !p.NoNewPrivileges, "readOnlyRootFilesystem": p.ReadOnly, "privileged": false,
		"seccompProfile": object{"type": "RuntimeDefault"},
	}
	if p.Seccomp != nil {
		security["seccompProfile"] = object{"type": "Localhost", "localhostProfile": "operator/" + name + ".json"}
	}
	if p.Capabilities != nil {
		caps := object{"drop": []string{"ALL"}}
		if len(p.Capabilities) > 0 {
			caps["add"] = p.Capabilities
		}
		security["capabilities"] = caps
	}
	if uid, gid, ok := ids(p.User); ok {
		security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"] = uid, gid, uid != 0
	}
	limits := object{}
	if p.Memory > 0 {
		limits["memory"] = fmt.Sprint(p.Memory)
	}
	if p.CPUs > 0 {
		limits["cpu"] = fmt.Sprintf("%g", p.CPUs)
	}
	container := object{
		"name": name, "image": p.Image.Name, "securityContext": security, "resources": object{"limits": limits},
	}
	var mounts, volumes []object
	for i, dir := range slices.Concat(p.Tmpfs, p.Volumes) {
		empty := object{}
		if i < len(p.Tmpfs) {
			empty = object{"medium": "Memory", "sizeLimit": "64Mi"}
		}
		mounts = append(mounts, object{"name": fmt.Sprintf("writable-%d", i), "mountPath": dir})
		volumes = append(volumes, object{"name": fmt.Sprintf("writable-%d", i), "emptyDir": empty})
	}
	spec := object{"automountServiceAccountToken": false, "containers": []any{container}}
	if len(mounts) > 0 {
		container["volumeMounts"], spec["volumes"] = mounts, volumes
	}
	labels := object{"app": name}
	var ports []object
	for _, port := range p.Ports {
		ports = append(ports, object{"protocol": "TCP", "port": port})
	}
	policy := object{"podSelector": object{"matchLabels": labels}, "policyTypes": []string{"Ingress", "Egress"}}
	if len(ports) > 0 {
		policy["ingress"] = []object{{"ports": ports}}
	}
	if p.Network == "none" {
		policy["ingress"] = []object{}
	}
	docs := []any{
		object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "labels": labels}, "spec": spec},
		object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": object{"name": name}, "spec": policy},
	}
	if p.Seccomp != nil {
		filter, err := plain(p.loaded())
		if err != nil {
			return nil, err
		}
		docs = append(docs, object{
			"apiVersion": "security-profiles-operator.x-k8s.io/v1beta1", "kind": "SeccompProfile", "metadata": object{"name": name}, "spec": filter,
		})
	}
	return document("Not proved on Kubernetes: the Pod's settings, a NetworkPolicy, and the filter for the security profiles operator.", docs...)
}

// plain is a value as its JSON has it, for other formats.
func plain(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	err = d.Decode(&out)
	return numbers(out), err
}

// numbers turns JSON's numbers into whole ones.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case json.Number:
		n, _ := strconv.ParseUint(v.String(), 10, 64) // a filter has no others
		return n
	}
	return v
}

// ids reads "UID:GID".
func ids(user string) (uid, gid int, ok bool) {
	u, g, both := strings.Cut(user, ":")
	a, err := strconv.ParseUint(u, 10, 31)
	b, gerr := strconv.ParseUint(g, 10, 31)
	return int(a), int(b), both && err == nil && gerr == nil
}

// systemd are the hardening lines for a unit that runs the same program without a
// container (systemd.exec(5)).
func (p *Profile) systemd() []byte {
	out := []string{
		"# Not proved by a run under systemd. Put it beside the unit: NAME.service.d/hardening.conf",
		"[Service]",
	}
	if p.Capabilities != nil {
		out = append(out, "CapabilityBoundingSet="+strings.Join(prefixed("CAP_", p.Capabilities), " "), "AmbientCapabilities=")
	}
	architectures := "native"
	if p.Seccomp != nil && slices.Contains(p.Seccomp.ABIs(), seccomp.I386) {
		architectures += " x86"
	}
	out = append(out, fmt.Sprintf("NoNewPrivileges=%t", p.NoNewPrivileges), "SystemCallArchitectures="+architectures)
	if p.Seccomp != nil {
		out = append(out, "SystemCallFilter="+strings.Join(p.loaded().Allowed(), " "), "SystemCallErrorNumber=EPERM")
		if p.Mode == ModeLog {
			out = append(out, "SystemCallLog=~"+strings.Join(p.Seccomp.Allowed(), " "))
		}
	}
	if p.Memory > 0 {
		out = append(out, fmt.Sprintf("MemoryMax=%d", p.Memory))
	}
	if p.PIDs > 0 {
		out = append(out, fmt.Sprintf("TasksMax=%d", p.PIDs))
	}
	if p.CPUs > 0 {
		out = append(out, fmt.Sprintf("CPUQuota=%.0f%%", p.CPUs*100))
	}
	if p.Nofile > 0 {
		out = append(out, fmt.Sprintf("LimitNOFILE=%d", p.Nofile))
	}
	if p.Nproc > 0 {
		out = append(out, fmt.Sprintf("LimitNPROC=%d", p.Nproc))
	}
	out = append(out, "PrivateDevices=true", "ProtectKernelTunables=true", "ProtectKernelModules=true", "ProtectControlGroups=true",
		"RestrictSUIDSGID=true", "LockPersonality=true")
	if p.ReadOnly {
		out = append(out, "ProtectSystem=strict", "ProtectHome=true", "PrivateTmp=true")
		for _, dir := range slices.Concat(p.Tmpfs, p.Volumes) {
			out = append(out, "ReadWritePaths="+systemdPath(dir))
		}
	}
	if p.Network == "none" {
		out = append(out, "PrivateNetwork=true")
	}
	if uid, gid, ok := ids(p.User); ok {
		out = append(out, fmt.Sprintf("User=%d", uid), fmt.Sprintf("Group=%d", gid))
	}
	return lines(out)
}

// systemdPath quotes a path as systemd.syntax(7) has it; "%" begins a specifier.
func systemdPath(p string) string {
	r := strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	return `"` + r.Replace(p) + `"`
}

func prefixed(with string, all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = with + s
	}
	return out
}

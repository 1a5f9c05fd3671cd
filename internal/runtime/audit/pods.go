package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// IsManifest reports whether a YAML file holds objects of Kubernetes.
func IsManifest(b []byte) bool {
	if !bytes.Contains(b, []byte("apiVersion")) {
		return false
	}
	d, err := parse("", b)
	return err == nil && slices.ContainsFunc(d.roots, func(n *yaml.Node) bool {
		return text(n, "apiVersion") != "" && text(n, "kind") != ""
	})
}

// maxObjects limits the objects of Kubernetes in a file, in lists within lists too.
const maxObjects = 5000

// ReadManifest reads the containers of the pods that objects of Kubernetes describe:
// pods, and whatever has a template of one.
func ReadManifest(name string, b []byte) (*Read, error) {
	d, err := parse(name, b)
	if err != nil {
		return nil, err
	}
	if _, ok := d.meaning(); !ok {
		return nil, fmt.Errorf("%s: over the limit of %d values, aliases filled in", name, maxNodes)
	}
	m := &manifest{d: d, out: &Read{}}
	for i, root := range d.roots {
		m.object(root, prefix(i), 0)
	}
	for _, o := range m.objects {
		m.pod(o)
	}
	if m.seen == 0 {
		return nil, finding.WithHint(fmt.Errorf("%s: no object of Kubernetes", name), "each has apiVersion and kind")
	}
	return m.out, nil
}

// manifest is a file being read.
type manifest struct {
	d       *document
	out     *Read
	seen    int // objects of any kind
	objects []object
	mounts  map[string]bool // service accounts that mount no token, by namespace and name
}

// object is one that makes pods.
type object struct {
	kind, name, namespace string
	meta                  *yaml.Node // of its pods
	spec                  *yaml.Node
	at                    string // of the spec
}

// object takes in one object, or those of a list.
func (m *manifest) object(n *yaml.Node, at string, depth int) {
	kind, versioned := text(n, "kind"), text(n, "apiVersion")
	if kind == "" || versioned == "" || m.seen >= maxObjects || depth > 4 {
		return
	}
	m.seen++
	if items, ok := lookup(n, "items"); ok && strings.HasSuffix(kind, "List") {
		for i, v := range aliased(items.value).Content {
			m.object(v, at+"/items/"+strconv.Itoa(i), depth+1)
		}
		return
	}
	meta := get(n, "metadata")
	o := object{kind: kind, name: text(meta, "name"), namespace: text(meta, "namespace")}
	if o.name == "" {
		o.name = text(meta, "generateName")
	}
	if kind == "ServiceAccount" && text(n, "automountServiceAccountToken") == "false" {
		if m.mounts == nil {
			m.mounts = map[string]bool{}
		}
		m.mounts[o.namespace+"/"+o.name] = true
	}
	for _, path := range [][]string{{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"}, {"template", "spec"}} {
		spec := get(n, path...)
		if !isPod(spec) {
			continue
		}
		o.spec, o.at = spec, at+"/"+strings.Join(path, "/")
		o.meta = get(n, append(slices.Clone(path[:len(path)-1]), "metadata")...)
		m.objects = append(m.objects, o)
		return
	}
	found := len(m.objects)
	if lone := m.within(n, o, at, 0); len(m.objects) == found && lone != nil {
		m.out.Unknown = append(m.out.Unknown, finding.Unknown{
			What: fmt.Sprintf("%s:%d: what %s %s starts", m.d.name, lone.Line, kind, o.name), Why: "its containers are not where Kubernetes has those of a pod",
		})
	}
}

// isPod reports whether a mapping is the spec of a pod.
func isPod(n *yaml.Node) bool { return len(list(n, "containers"))+len(list(n, "initContainers")) > 0 }

// within takes in the pods anywhere within an object, which those who extend Kubernetes
// put where they like. It returns an image that belongs to none.
func (m *manifest) within(n *yaml.Node, o object, at string, depth int) (lone *yaml.Node) {
	if n = aliased(n); depth > maxDepth/2 || len(m.objects) >= maxObjects {
		return nil
	}
	if n.Kind == yaml.SequenceNode {
		for i, v := range n.Content {
			if found := m.within(v, o, at+"/"+strconv.Itoa(i), depth+1); lone == nil {
				lone = found
			}
		}
		return lone
	}
	if isPod(n) {
		o.spec, o.at = n, at
		m.objects = append(m.objects, o)
		return nil
	}
	for _, p := range pairs(n) {
		v := aliased(p.value)
		if p.key.Value == "image" && v.Kind == yaml.ScalarNode && len(pairs(n)) > 1 {
			lone = p.key
		}
		if found := m.within(v, o, at+"/"+escape(p.key.Value), depth+1); lone == nil {
			lone = found
		}
	}
	return lone
}

// get is the value at the end of a path; nil: there is none.
func get(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		p, ok := lookup(n, key)
		if !ok {
			return nil
		}
		n = aliased(p.value)
	}
	return n
}

// list are the items at the end of a path.
func list(n *yaml.Node, path ...string) []*yaml.Node {
	v := get(n, path...)
	if v == nil || v.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(v.Content))
	for i, one := range v.Content {
		out[i] = aliased(one)
	}
	return out
}

// text is the scalar at the end of a path; empty: there is none.
func text(n *yaml.Node, path ...string) string {
	v := get(n, path...)
	if v == nil || v.Kind != yaml.ScalarNode || v.ShortTag() == "!!null" {
		return ""
	}
	return v.Value
}

// pod reads the containers of an object's pods.
func (m *manifest) pod(o object) {
	first := true
	for _, key := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for i, n := range list(o.spec, key) {
			r := &podReading{m: m, o: o, list: key, n: n, raw: get(o.spec, key).Content[i], at: o.at + "/" + key + "/" + strconv.Itoa(i)}
			c := r.read()
			c.Pod.First, first = first, false
			m.out.Containers = append(m.out.Containers, c)
		}
	}
}

// podReading is one container of a pod being read.
type podReading struct {
	m      *manifest
	o      object
	list   string
	n, raw *yaml.Node
	at     string
	c      *Container
	places map[string]*yaml.Node
}

// Pod is what a container of a pod says beyond what others can.
type Pod struct {
	First    bool   // of its pod, so that what the pod says is reported once
	Kind     string // of the object: "Deployment"
	Job      bool   // it is to end
	Init     bool   // it ends before others start
	Seccomp  string // type of the profile; empty: the kubelet's default, which is none unless it says so
	NonRoot  bool   // runAsNonRoot
	Token    bool   // the service account's token is mounted
	Unmasked bool   // procMount
	// HostProcess: on Windows, it is a process of the host.
	HostProcess bool

	shared []finding.Span // places at which the pod says something for all containers
}

func (r *podReading) read() *Container {
	name := text(r.n, "name")
	c := &Container{
		Form: Kubernetes, Pod: &Pod{Kind: r.o.kind, Job: r.o.kind == "Job" || r.o.kind == "CronJob", Init: r.list == "initContainers"},
		Subject: finding.Subject{Kind: finding.KindPod, Name: fmt.Sprintf("%s#%s/%s/%s", r.m.d.name, r.o.kind, r.o.name, name)},
	}
	r.c, r.places = c, map[string]*yaml.Node{}
	c.at = r.place
	c.edit = noEdits{}
	if r.raw.Kind == yaml.MappingNode {
		c.edit = &podEditor{places: r.places, spec: spot{d: r.m.d, at: r.o.at, node: r.o.spec}, spot: spot{
			d: r.m.d, at: r.at, node: r.n, after: []string{"image", "name", "imagePullPolicy"},
		}}
	}
	c.Image = r.string("image", r.n, "image")
	r.security()
	r.identity()
	r.resources()
	r.network()
	r.volumes()
	r.environment()
	for _, key := range []string{"command", "args"} {
		for _, w := range list(r.n, key) {
			c.Words = append(c.Words, w.Value)
		}
		r.keep("command", r.n, key)
	}
	checked := get(r.n, "livenessProbe") != nil || get(r.n, "readinessProbe") != nil
	c.Health = &checked
	r.ignored()
	return c
}

// place is where a field is, else the container's name.
func (r *podReading) place(field string) finding.Location {
	n, ok := r.places[field]
	if !ok {
		n = r.n
		if p, ok := lookup(r.n, "name"); ok {
			n = p.value
		}
	}
	_, pointer, _ := strings.Cut(r.at, "/") // without the number of the YAML document
	return finding.Location{Source: r.m.d.span(n), Config: "/" + pointer}
}

// keep notes where a field is, where it is.
func (r *podReading) keep(field string, n *yaml.Node, path ...string) *yaml.Node {
	v := get(n, path...)
	if v != nil {
		r.note(field, n, v)
	}
	return v
}

// note notes where a field is: in the container, or in what else says it.
func (r *podReading) note(field string, in, at *yaml.Node) {
	r.places[field] = at
	if in != r.n {
		r.c.Pod.shared = append(r.c.Pod.shared, *r.m.d.span(at))
	}
}

// string is a scalar of a field.
func (r *podReading) string(field string, n *yaml.Node, path ...string) string {
	v := r.keep(field, n, path...)
	switch {
	case v == nil || v.ShortTag() == "!!null":
		return ""
	case v.Kind != yaml.ScalarNode:
		r.c.unsure(field, fmt.Sprintf("line %d is not what Kubernetes takes there", v.Line))
		return ""
	case strings.Contains(v.Value, "{{"), strings.Contains(v.Value, "${"):
		r.c.unsure(field, v.Value+" is to be filled in")
		return ""
	}
	return v.Value
}

// either is a value of the container's security context, or else of its pod's.
func (r *podReading) either(field string, path ...string) string {
	for _, n := range []*yaml.Node{r.n, r.o.spec} {
		full := append([]string{"securityContext"}, path...)
		if get(n, full...) != nil {
			return r.string(field, n, full...)
		}
	}
	return ""
}

func (r *podReading) security() {
	c := r.c
	own := func(field, key string) string { return r.string(field, r.n, "securityContext", key) }
	c.Privileged = own("privileged", "privileged") == "true"
	c.Pod.HostProcess = r.either("host_process", "windowsOptions", "hostProcess") == "true"
	c.ReadOnly = own("read_only", "readOnlyRootFilesystem") == "true"
	if own("security_opt/0", "allowPrivilegeEscalation") == "false" {
		c.SecurityOpt = append(c.SecurityOpt, "no-new-privileges:true")
	}
	c.Pod.Unmasked = own("proc_mount", "procMount") == "Unmasked"
	for field, key := range map[string]string{"cap_add": "add", "cap_drop": "drop"} {
		for i, v := range list(r.n, "securityContext", "capabilities", key) {
			r.places[itemOf(field, i)] = v
			if field == "cap_add" {
				c.CapAdd = append(c.CapAdd, capability(v.Value))
			} else {
				c.CapDrop = append(c.CapDrop, capability(v.Value))
			}
		}
	}
	c.Pod.Seccomp = r.either("seccomp", "seccompProfile", "type")
	annotations := get(r.o.meta, "annotations")
	profile := r.either("apparmor", "appArmorProfile", "type")
	if v := text(annotations, "container.apparmor.security.beta.kubernetes.io/"+text(r.n, "name")); profile == "" {
		profile = v
	}
	if strings.EqualFold(profile, "unconfined") {
		c.SecurityOpt = append(c.SecurityOpt, "apparmor=unconfined")
	}
	if t := r.either("label", "seLinuxOptions", "type"); t == "spc_t" {
		c.SecurityOpt = append(c.SecurityOpt, "label=type:spc_t")
	}
}

// identity reads who the container runs as.
func (r *podReading) identity() {
	r.c.User = r.either("user", "runAsUser")
	r.c.Pod.NonRoot = r.either("non_root", "runAsNonRoot") == "true"
	mounted := text(r.o.spec, "automountServiceAccountToken")
	account := text(r.o.spec, "serviceAccountName")
	if account == "" {
		account = "default"
	}
	r.c.Pod.Token = mounted == "true" || mounted == "" && !r.m.mounts[r.o.namespace+"/"+account]
	if mounted != "" {
		r.keep("token", r.o.spec, "automountServiceAccountToken")
	}
}

func (r *podReading) resources() {
	memory := r.string("mem_limit", r.n, "resources", "limits", "memory")
	n, ok := quantity(memory)
	switch {
	case !ok:
		r.c.unsure("mem_limit", strconv.Quote(memory)+" is no quantity")
	case memory != "" && n < 1<<20: // of a megabyte no container starts: milli- and bytes are slips
		r.c.Ignored = append(r.c.Ignored, Ignored{"mem_limit", "a memory limit of " + memory + " is less than any program needs: the container will not start", "Mi and Gi are mebibytes and gibibytes; m is a thousandth"})
	}
	r.c.Memory = n
	r.c.CPU = r.string("cpus", r.n, "resources", "limits", "cpu") != ""
}

// quantity reads a quantity of Kubernetes in bytes: 128Mi, 1G, 1e6, 500m.
func quantity(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	units := map[string]float64{
		"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
		"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
	}
	number := strings.TrimRight(s, "mkMGTPEi")
	unit, ok := units[s[len(number):]]
	f, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || f < 0 || f*unit > 1e18 {
		return 0, false
	}
	return int64(f * unit), true
}

func (r *podReading) network() {
	c := r.c
	for field, at := range map[string]struct {
		key string
		to  *string
	}{"network_mode": {"hostNetwork", &c.Network}, "pid": {"hostPID", &c.PID}, "ipc": {"hostIPC", &c.IPC}} {
		if r.string(field, r.o.spec, at.key) == "true" {
			*at.to = "host"
		}
	}
	for i, n := range list(r.n, "ports") {
		c.Exposed = true
		host := text(n, "hostPort")
		if host == "" || host == "0" {
			continue
		}
		p := Port{Address: text(n, "hostIP"), Host: host, Inside: text(n, "containerPort"), field: itemOf("ports", i)}
		r.places[p.field] = get(n, "hostPort")
		c.Ports = append(c.Ports, p)
	}
}

func (r *podReading) volumes() {
	for i, n := range list(r.n, "volumeMounts") {
		name := text(n, "name")
		for _, v := range list(r.o.spec, "volumes") {
			if text(v, "name") != name {
				continue
			}
			m := Mount{Source: text(v, "hostPath", "path"), Target: text(n, "mountPath"), ReadOnly: text(n, "readOnly") == "true", field: itemOf("volumes", i)}
			if text(n, "mountPropagation") == "Bidirectional" {
				m.Propagation = "rshared"
			}
			if at := get(v, "hostPath", "path"); at != nil {
				r.places[m.field] = at
			}
			r.c.Mounts = append(r.c.Mounts, m)
		}
	}
}

func (r *podReading) environment() {
	for _, n := range list(r.n, "env") {
		v := get(n, "value")
		if v == nil || v.Kind != yaml.ScalarNode || strings.Contains(v.Value, "$(") || strings.Contains(v.Value, "${") || strings.Contains(v.Value, "{{") {
			continue
		}
		e := Variable{text(n, "name"), v.Value, "environment/" + escape(text(n, "name"))}
		r.places[e.field] = v
		r.c.Env = append(r.c.Env, e)
	}
}

// ignored finds settings at places where Kubernetes does nothing with them.
func (r *podReading) ignored() {
	note := func(field string, in, n *yaml.Node, what, do string) {
		r.note(field, in, n)
		r.c.Ignored = append(r.c.Ignored, Ignored{field, what, do})
	}
	for _, p := range pairs(get(r.o.spec, "securityContext")) {
		if slices.Contains([]string{"privileged", "capabilities", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount"}, p.key.Value) {
			note("pod_"+p.key.Value, r.o.spec, p.key, p.key.Value+" of the pod's securityContext has no effect: each container has it in its own", "Move it to the securityContext of each container")
		}
	}
	for _, p := range pairs(get(r.n, "securityContext")) {
		if slices.Contains([]string{"fsGroup", "fsGroupChangePolicy", "supplementalGroups", "sysctls"}, p.key.Value) {
			note("own_"+p.key.Value, r.n, p.key, p.key.Value+" of a container's securityContext has no effect: the pod's has it", "Move it to the securityContext of the pod")
		}
	}
	for _, p := range pairs(get(r.o.meta, "annotations")) {
		if key := strings.TrimPrefix(p.key.Value, "container."); r.c.Pod.Seccomp == "" && strings.HasPrefix(key, "seccomp.security.alpha.kubernetes.io/") {
			note("annotation_"+escape(p.key.Value), r.o.meta, p.key, "the annotation "+p.key.Value+" has no effect since Kubernetes 1.27", "Set securityContext.seccompProfile")
		}
	}
}

package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
)

// manifest reads the containers of a manifest.
func manifestOf(t testing.TB, text string) []*Container {
	t.Helper()
	got, err := ReadManifest("m.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return got.Containers
}

// template is a Deployment whose pod says some fields, and its container some.
func template(podFields, containerFields string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n" + podFields +
		"      containers:\n      - name: app\n        image: x:1\n" + containerFields
}

// What a pod says in each place that Kubernetes knows.
func TestManifestReading(t *testing.T) {
	security := func(s string) string { return "        securityContext: {" + s + "}\n" }
	for _, tt := range []struct {
		name, pod, container string
		fires, quiet         string // rules without their area
	}{
		{
			name: "nothing said", fires: "new-privileges unconfined writable-root root-user no-memory-limit no-cpu-limit service-account-token",
			quiet: "no-pids-limit no-ulimit default-bridge restart-storm no-healthcheck",
		},
		{
			name: "all said", pod: "      automountServiceAccountToken: false\n      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n",
			container: security("allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}") +
				"        resources: {limits: {memory: 64Mi, cpu: 500m}}\n",
			quiet: "new-privileges unconfined writable-root root-user no-memory-limit no-cpu-limit service-account-token added-capability no-effect",
		},
		{
			name: "the container's word counts", pod: "      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n",
			container: security("runAsNonRoot: false, runAsUser: 0, seccompProfile: {type: Unconfined}"), fires: "root-user unconfined",
		},
		{
			name: "privileged", container: security("privileged: true, capabilities: {add: [CAP_SYS_ADMIN, sys_time]}, procMount: Unmasked"),
			fires: "privileged added-capability unconfined",
		},
		{name: "a process of a host with Windows", pod: "      securityContext: {windowsOptions: {hostProcess: true}}\n", fires: "privileged"},
		{name: "namespaces of the host", pod: "      hostPID: true\n      hostIPC: true\n      hostNetwork: true\n", fires: "host-namespace"},
		{name: "not those of the host", pod: "      hostPID: false\n      hostNetwork: false\n", quiet: "host-namespace"},
		{
			name: "paths of the host", pod: "      volumes: [{name: a, hostPath: {path: /etc}}, {name: b, hostPath: {path: /run/containerd/containerd.sock}}]\n",
			container: "        volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}]\n", fires: "sensitive-mount docker-socket",
		},
		{
			name: "paths that are not mounted, and other volumes", pod: "      volumes: [{name: a, hostPath: {path: /etc}}, {name: b, emptyDir: {}}]\n",
			container: "        volumeMounts: [{name: b, mountPath: /etc}]\n", quiet: "sensitive-mount docker-socket",
		},
		{name: "a port of the host", container: "        ports: [{containerPort: 80, hostPort: 8080}]\n", fires: "published-everywhere no-healthcheck"},
		{name: "a port, with a probe", container: "        ports: [{containerPort: 80}]\n        livenessProbe: {tcpSocket: {port: 80}}\n", quiet: "published-everywhere no-healthcheck"},
		{name: "settings of the wrong level", pod: "      securityContext: {privileged: false, capabilities: {drop: [ALL]}}\n", container: security("fsGroup: 5"), fires: "no-effect"},
		{name: "a thousandth of a byte", container: "        resources: {limits: {memory: 512m}}\n", fires: "no-effect"},
		{name: "secrets", container: "        env: [{name: DB_PASSWORD, value: k7Qp2mWz9xLr}, {name: B, value: $(A)}]\n", fires: "literal-secret"},
		{name: "secrets of a Secret", container: "        env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n", quiet: "literal-secret"},
		{name: "security modules", container: security("seLinuxOptions: {type: spc_t}, appArmorProfile: {type: Unconfined}, seccompProfile: {type: Localhost, localhostProfile: a}"), fires: "unconfined"},
		{name: "flags among arguments", container: "        args: [--cap-drop, ALL]\n", fires: "no-effect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			looked := Run(manifestOf(t, template(tt.pod, tt.container))[0], Checks())
			has := func(rule string) bool {
				return slices.ContainsFunc(looked.Findings, func(f finding.Finding) bool { return f.Rule == finding.RuleID("runtime/"+rule) })
			}
			for _, r := range strings.Fields(tt.fires) {
				if !has(r) {
					t.Errorf("%s does not fire", r)
				}
			}
			for _, r := range strings.Fields(tt.quiet) {
				if has(r) {
					t.Errorf("%s fires", r)
				}
			}
			for _, f := range looked.Findings {
				complete(t, f)
			}
		})
	}
}

// Every kind that makes pods, lists of them, several documents, JSON.
func TestManifestKinds(t *testing.T) {
	const spec = "{containers: [{name: a, image: 'x:1'}], initContainers: [{name: b, image: 'x:1'}]}"
	for name, text := range map[string]string{
		"Pod":         "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: " + spec,
		"StatefulSet": "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: p}\nspec: {template: {spec: " + spec + "}}",
		"Job":         "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: p}\nspec: {template: {spec: " + spec + "}}",
		"CronJob":     "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: p}\nspec: {jobTemplate: {spec: {template: {spec: " + spec + "}}}}",
		"Rollout":     "apiVersion: argoproj.io/v1\nkind: Rollout\nmetadata: {name: p}\nspec: {template: {spec: " + spec + "}}",
		"PodTemplate": "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: p}\ntemplate: {spec: " + spec + "}",
		"List":        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: s}}\n- {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: " + spec + "}",
		"two":         "---\napiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: " + spec + "\n---\n",
		"JSON":        `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x:1"}], "initContainers": [{"name": "b"}]}}`,
	} {
		if !IsManifest([]byte(text)) {
			t.Errorf("%s: no manifest", name)
		}
		got := manifestOf(t, text)
		if len(got) != 2 || !strings.HasSuffix(got[0].Subject.Name, "/p/a") || !strings.HasSuffix(got[1].Subject.Name, "/p/b") {
			t.Errorf("%s: %d containers", name, len(got))
		}
	}
	// Where Kubernetes itself has no pod, it is found all the same, or told.
	const flow = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  templates:\n  - name: a\n    %s: %s\n"
	got, err := ReadManifest("m.yaml", fmt.Appendf(nil, flow, "pod", spec))
	if err != nil || len(got.Containers) != 2 || len(got.Unknown) > 0 {
		t.Errorf("a pod within: %+v, %v", got, err)
	}
	got, err = ReadManifest("m.yaml", fmt.Appendf(nil, flow, "container", "{image: 'x:1', securityContext: {privileged: true}}"))
	if err != nil || len(got.Containers) > 0 || len(got.Unknown) != 1 || !strings.HasPrefix(got.Unknown[0].What, "m.yaml:7: what Workflow w starts") {
		t.Errorf("a container of its own kind: %+v, %v", got, err)
	}
	for _, text := range []string{"services: {a: {image: x}}", "apiVersion: [", "apiVersion: v1\nkind: {{ .Kind }}\n", "- apiVersion\n", ""} {
		if IsManifest([]byte(text)) {
			t.Errorf("%q is a manifest", text)
		}
	}
}

// What a pod says for all of its containers is reported once; an account that mounts
// no token needs no word of the pod.
func TestManifestOnce(t *testing.T) {
	text := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: quiet}\nautomountServiceAccountToken: false\n---\n" +
		template("      serviceAccountName: quiet\n      hostPID: true\n      securityContext: {runAsUser: 0}\n", "      - name: second\n        image: x:1\n")
	count := map[finding.RuleID]int{}
	for _, c := range manifestOf(t, text) {
		for _, f := range Run(c, Checks()).Findings {
			count[f.Rule]++
		}
	}
	for rule, want := range map[finding.RuleID]int{"runtime/host-namespace": 1, "runtime/root-user": 1, "runtime/service-account-token": 0, "runtime/writable-root": 2} {
		if count[rule] != want {
			t.Errorf("%s fires %d times", rule, count[rule])
		}
	}
}

func TestManifestEdits(t *testing.T) {
	for _, tt := range []struct {
		name string
		rule finding.RuleID
		was  string
		is   string // empty: there is no edit
	}{
		{
			"below the image", "runtime/writable-root",
			template("", "        tty: true # sic\n"),
			template("", "        securityContext:\n          readOnlyRootFilesystem: true\n        tty: true # sic\n"),
		},
		{
			"in a securityContext", "runtime/new-privileges",
			template("", "        securityContext:\n          # why\n          runAsUser: 5\n"),
			template("", "        securityContext:\n          # why\n          allowPrivilegeEscalation: false\n          runAsUser: 5\n"),
		},
		{
			"in braces", "runtime/unconfined",
			template("", "        securityContext: {runAsUser: 5}\n"),
			template("", "        securityContext: {seccompProfile: {type: RuntimeDefault}, runAsUser: 5}\n"),
		},
		{
			"over a value", "runtime/unconfined",
			template("", "        securityContext: {seccompProfile: {type: Unconfined}}\n"),
			template("", "        securityContext: {seccompProfile: {type: RuntimeDefault}}\n"),
		},
		{
			"in the pod", "runtime/service-account-token",
			template("      restartPolicy: Always\n", ""),
			template("      automountServiceAccountToken: false\n      restartPolicy: Always\n", ""),
		},
		{
			"out of the pod", "runtime/host-namespace",
			template("      hostNetwork: true\n      restartPolicy: Always\n", ""),
			template("      restartPolicy: Always\n", ""),
		},
		{
			"beside other limits", "runtime/no-memory-limit",
			template("", "        resources:\n          limits:\n            cpu: 1\n"),
			template("", "        resources:\n          limits:\n            memory: 512Mi\n            cpu: 1\n"),
		},
		{
			"a capability of several", "runtime/added-capability",
			template("", "        securityContext:\n          capabilities:\n            add:\n            - SYS_ADMIN\n            - CHOWN\n"),
			template("", "        securityContext:\n          capabilities:\n            add:\n            - CHOWN\n"),
		},
		{
			"a name that stands behind", "runtime/writable-root",
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  -   tty: true\n      name: a\n",
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  -   tty: true\n      name: a\n      securityContext:\n        readOnlyRootFilesystem: true\n",
		},
		{
			"in JSON", "runtime/writable-root",
			`{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a"}]}}`,
			`{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"securityContext": {"readOnlyRootFilesystem": true}, "name": "a"}]}}`,
		},
		{
			"carriage returns", "runtime/new-privileges",
			strings.ReplaceAll(template("", ""), "\n", "\r\n"),
			strings.ReplaceAll(template("", "        securityContext:\n          allowPrivilegeEscalation: false\n"), "\n", "\r\n"),
		},
		{
			"a container that is an alias", "runtime/writable-root",
			"apiVersion: v1\nkind: Pod\nx: &a {name: a}\nspec:\n  containers:\n  - *a\n", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := fires(t, manifestOf(t, tt.was)[0], tt.rule)
			if len(found) == 0 {
				t.Fatal("it does not fire")
			}
			edits := found[0].Fixes[0].Edits
			if len(edits) == 0 {
				if tt.is != "" {
					t.Fatal("there is no edit")
				}
				return
			}
			if is := string(Apply([]byte(tt.was), edits[0])); is != tt.is {
				t.Errorf("it is edited to\n%s\nand not to\n%s", is, tt.is)
			}
			if len(fires(t, manifestOf(t, string(Apply([]byte(tt.was), edits[0])))[0], tt.rule)) == len(found) {
				t.Error("it is found still")
			}
		})
	}
}

func TestQuantity(t *testing.T) {
	for s, want := range map[string]int64{"": 0, "128Mi": 128 << 20, "1G": 1e9, "1e6": 1e6, "1.5Gi": 3 << 29, "900m": 0, "64k": 64000, "0": 0} {
		if got, ok := quantity(s); !ok || got != want {
			t.Errorf("%s: %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"Mi", "1MB", "-1", "x", "1i", "9e99"} {
		if got, ok := quantity(s); ok {
			t.Errorf("%s is %d", s, got)
		}
	}
}

// FuzzManifest: whatever the bytes are, an edit that is offered changes the pod that
// it is for, and nothing else that the file means.
func FuzzManifest(f *testing.F) {
	f.Add(template("      hostPID: true\n", "        securityContext: {capabilities: {add: [BPF]}}\n"))
	f.Add("apiVersion: v1\nkind: List\nitems:\n- &p {apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}\n- *p\n---\napiVersion: v1\nkind: Pod\n")
	f.Add("apiVersion: v1\nkind: Pod\nspec:\n  securityContext: &s\n    privileged: true\n  containers:\n  - securityContext:\n      <<: *s\n")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := ReadManifest("m.yaml", []byte(text)); err == nil {
			edits(t, text, got.Containers, func(c *Container) string { return c.edit.(*podEditor).spec.at })
		}
	})
}
